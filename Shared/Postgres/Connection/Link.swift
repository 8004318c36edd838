import CPostgres
import Foundation

/// One libpq connection in pipeline mode. Owns the `PGconn`.
///
/// Not `Sendable`: it lives and dies on its connection's thread. Every method that fails throws `PostgresError`, and the link is of no
/// use after that.
final class Link {
  enum ConnectProgress { case reading, writing, ready, failed }

  private let pointer: OpaquePointer

  /// Begins to connect; ``connectProgress()`` goes on with it. Blocks while a host name is looked up.
  init(_ parameters: ConnectionParameters) throws(PostgresError) {
    let keywords = CStrings(parameters.keywords)
    let values = CStrings(parameters.values)
    guard let pointer = PQconnectStartParams(keywords.pointers, values.pointers, 0) else {
      throw .connection("out of memory")
    }
    self.pointer = pointer
    // libpq would write what the server says beside its answers to standard error.
    PQsetNoticeProcessor(pointer, { _, _ in }, nil)
  }

  deinit { PQfinish(pointer) }

  /// The present socket: libpq tries one host after the other.
  var socket: Int32 { PQsocket(pointer) }

  /// What libpq says is wrong.
  var failure: PostgresError {
    let message = String(cString: PQerrorMessage(pointer)).trimmingCharacters(in: .whitespacesAndNewlines)
    return .connection(message.isEmpty ? "the connection was lost" : message)
  }

  func connectProgress() -> ConnectProgress {
    switch PQconnectPoll(pointer) {
    case PGRES_POLLING_READING: .reading
    case PGRES_POLLING_WRITING: .writing
    case PGRES_POLLING_OK: .ready
    default: .failed
    }
  }

  /// Makes the connection, once it is there, ready for queries.
  func enterPipeline() throws(PostgresError) {
    guard PQsetnonblocking(pointer, 1) == 0, PQenterPipelineMode(pointer) == 1 else { throw failure }
  }

  func prepare(_ sql: String, as name: String, types: [TypeID]) throws(PostgresError) {
    guard PQsendPrepare(pointer, name, sql, Int32(types.count), types.map(\.rawValue)) == 1 else { throw failure }
  }

  func execute(_ name: String, _ parameters: EncodedParameters) throws(PostgresError) {
    let isSent = Self.withPointers(to: parameters) { values, lengths, formats in
      PQsendQueryPrepared(pointer, name, Int32(parameters.lengths.count), values, lengths, formats, 1)
    }
    guard isSent == 1 else { throw failure }
  }

  func executeOnce(_ sql: String, _ parameters: EncodedParameters) throws(PostgresError) {
    let isSent = Self.withPointers(to: parameters) { values, lengths, formats in
      PQsendQueryParams(
        pointer, sql, Int32(parameters.lengths.count), parameters.types.map(\.rawValue), values, lengths, formats, 1)
    }
    guard isSent == 1 else { throw failure }
  }

  /// Ends one request: an error in it does not reach the next.
  func sync() throws(PostgresError) {
    guard rollcall_put_sync(pointer) == 1 else { throw failure }
  }

  /// Sends what is buffered.
  ///
  /// - Returns: Whether all of it went out; otherwise the socket must become writable first.
  func flush() throws(PostgresError) -> Bool {
    switch PQflush(pointer) {
    case 0: true
    case 1: false
    default: throw failure
    }
  }

  /// Takes in what the server sent, without waiting.
  ///
  /// - Returns: Whether the connection is still there.
  func receive() -> Bool { PQconsumeInput(pointer) == 1 }

  /// Whether ``nextResult(of:)`` would have to wait.
  var isBusy: Bool { PQisBusy(pointer) == 1 }

  /// The next answer in the pipeline; nil between two statements.
  func nextResult(of statement: String) -> QueryResult? {
    PQgetResult(pointer).map { QueryResult(owning: $0, of: statement) }
  }

  /// Runs statements as text and waits for the last of them. The pipeline must be empty.
  ///
  /// - Returns: The first error that the server reported.
  func run(script: String, named name: String) throws(PostgresError) -> PostgresError? {
    guard PQexitPipelineMode(pointer) == 1, PQsetnonblocking(pointer, 0) == 0 else { throw failure }
    guard let result = PQexec(pointer, script).map({ QueryResult(owning: $0, of: name) }) else { throw failure }
    guard PQstatus(pointer) == CONNECTION_OK else {
      var failure = failure.named(name)
      failure.isOutcomeUnknown = true
      throw failure
    }
    try enterPipeline()
    return result.status == .failed ? result.error() : nil
  }

  /// Asks the server to stop what it is doing for this connection. Blocks for as long as it takes to connect.
  func cancelRunning() {
    guard let cancel = PQgetCancel(pointer) else { return }
    defer { PQfreeCancel(cancel) }
    // Whether it comes in time is never known, and the connection is closed next: the reason why it did not go out would help nobody.
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

/// An array of C strings that ends with a null pointer, as libpq takes keywords and values.
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
