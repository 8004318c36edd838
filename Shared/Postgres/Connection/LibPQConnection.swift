import CPostgres
import Foundation

/// A libpq connection in pipeline mode. Owns the `PGconn`.
///
/// After a method has thrown `PostgresError`, it cannot be used any more.
///
/// `@unchecked Sendable`: libpq permits any thread to use a connection, but only one at a time. The ``Connection`` that owns it uses it with
/// its lock held.
final class LibPQConnection: @unchecked Sendable {
  /// The state of connecting: which readiness of the socket libpq waits for, or the result.
  enum ConnectProgress { case reading, writing, ready, failed }

  private let pointer: OpaquePointer

  /// Starts to connect; ``connectProgress()`` continues. Blocks during DNS lookups.
  init(_ parameters: ConnectionParameters) throws(PostgresError) {
    let keywords = CStrings(parameters.keywords)
    let values = CStrings(parameters.values)
    guard let pointer = PQconnectStartParams(keywords.pointers, values.pointers, 0) else {
      throw .connection("out of memory")
    }
    self.pointer = pointer
    // By default, libpq prints the server's notices to standard error.
    PQsetNoticeProcessor(pointer, { _, _ in }, nil)
  }

  deinit { PQfinish(pointer) }

  /// The current socket; it changes while libpq tries one host after another.
  var socket: Int32 { PQsocket(pointer) }

  /// libpq's current error.
  var failure: PostgresError {
    let message = String(cString: PQerrorMessage(pointer)).trimmingCharacters(in: .whitespacesAndNewlines)
    return .connection(message.isEmpty ? "the connection was lost" : message)
  }

  /// Continues to connect, once the socket is ready.
  func connectProgress() -> ConnectProgress {
    switch PQconnectPoll(pointer) {
    case PGRES_POLLING_READING: .reading
    case PGRES_POLLING_WRITING: .writing
    case PGRES_POLLING_OK: .ready
    default: .failed
    }
  }

  /// Switches an established connection to non-blocking pipeline mode.
  func enterPipeline() throws(PostgresError) {
    guard PQsetnonblocking(pointer, 1) == 0, PQenterPipelineMode(pointer) == 1 else { throw failure }
  }

  /// Buffers the preparation of a statement.
  func prepare(_ sql: String, as name: String, types: [TypeID]) throws(PostgresError) {
    guard PQsendPrepare(pointer, name, sql, Int32(types.count), types.map(\.rawValue)) == 1 else { throw failure }
  }

  /// Buffers the execution of a prepared statement.
  func execute(_ name: String, _ parameters: EncodedParameters) throws(PostgresError) {
    let isSent = Self.withPointers(to: parameters) { values, lengths, formats in
      PQsendQueryPrepared(pointer, name, Int32(parameters.lengths.count), values, lengths, formats, 1)
    }
    guard isSent == 1 else { throw failure }
  }

  /// Buffers the execution of a statement that is not prepared.
  func executeOnce(_ sql: String, _ parameters: EncodedParameters) throws(PostgresError) {
    let isSent = Self.withPointers(to: parameters) { values, lengths, formats in
      PQsendQueryParams(
        pointer, sql, Int32(parameters.lengths.count), parameters.types.map(\.rawValue), values, lengths, formats, 1)
    }
    guard isSent == 1 else { throw failure }
  }

  /// Buffers a sync, which ends a request: an error in it does not affect the next.
  func sync() throws(PostgresError) {
    guard rollcall_put_sync(pointer) == 1 else { throw failure }
  }

  /// Sends buffered data.
  ///
  /// - Returns: Whether all of it was sent; otherwise the socket must become writable first.
  func flush() throws(PostgresError) -> Bool {
    switch PQflush(pointer) {
    case 0: true
    case 1: false
    default: throw failure
    }
  }

  /// Reads what has arrived, without waiting.
  ///
  /// - Returns: Whether the connection is still open.
  func receive() -> Bool { PQconsumeInput(pointer) == 1 }

  /// Whether ``nextResult(of:)`` would block.
  var isBusy: Bool { PQisBusy(pointer) == 1 }

  /// The next result; nil between two statements of a pipeline, and after the last of a script.
  func nextResult(of statement: String) -> QueryResult? {
    PQgetResult(pointer).map { QueryResult(owning: $0, of: statement) }
  }

  /// Leaves pipeline mode and buffers statements as text. The pipeline must be empty. ``nextResult(of:)`` returns the result of each, then nil;
  /// ``enterPipeline()`` must follow.
  func start(script: String) throws(PostgresError) {
    guard PQexitPipelineMode(pointer) == 1, PQsendQuery(pointer, script) == 1 else { throw failure }
  }

  /// Asks the server to cancel the running statement. Blocks while it connects for that.
  func cancelRunning() {
    guard let cancel = PQgetCancel(pointer) else { return }
    defer { PQfreeCancel(cancel) }
    // Best effort: the connection is closed next, so a failure has no consequence.
    var reason = [CChar](repeating: 0, count: 256)
    _ = PQcancel(cancel, &reason, Int32(reason.count))
  }

  private static func withPointers(
    to parameters: EncodedParameters,
    _ send: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Int32
  ) -> Int32 {
    let count = parameters.lengths.count
    return parameters.bytes.withUnsafeBytes { bytes in
      withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { formats in
          var offset = 0
          for index in 0..<count {
            let length = parameters.lengths[index]
            values.initializeElement(
              at: index,
              to: length < 0 ? nil : bytes.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) })
            // 1 is the binary format.
            formats.initializeElement(at: index, to: 1)
            if length > 0 { offset += Int(length) }
          }
          return parameters.lengths.withUnsafeBufferPointer { send(values.baseAddress, $0.baseAddress, formats.baseAddress) }
        }
      }
    }
  }
}

/// A null-terminated array of C strings, as libpq expects keywords and values.
private final class CStrings {
  let pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>
  private let count: Int

  init(_ strings: [String]) {
    count = strings.count
    pointers = .allocate(capacity: strings.count + 1)
    for (index, string) in strings.enumerated() { (pointers + index).initialize(to: strdup(string).map { UnsafePointer($0) }) }
    (pointers + strings.count).initialize(to: nil)
  }

  deinit {
    for index in 0..<count { free(UnsafeMutablePointer(mutating: pointers[index])) }
    pointers.deallocate()
  }
}
