import CPostgres
import Foundation

/// The server's result for one statement. Owns the `PGresult`; accessors return copies.
///
/// `@unchecked Sendable`: libpq does not change a result once it has returned it, and documents concurrent reads as safe (libpq, "Behavior
/// in Threaded Programs").
final class QueryResult: @unchecked Sendable {
  /// The name of the ``Statement``, for errors.
  let statement: String
  let rowCount: Int
  private let pointer: OpaquePointer

  init(owning pointer: OpaquePointer, of statement: String) {
    self.pointer = pointer
    self.statement = statement
    rowCount = Int(PQntuples(pointer))
  }

  deinit { PQclear(pointer) }

  /// The number of rows that an insert, update, delete or select affected; 0 for other statements.
  var affected: Int { Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

  /// The command tag: `COMMIT`, `ROLLBACK`, `INSERT 0 1`.
  var commandTag: String { String(cString: PQcmdStatus(pointer)) }

  var columnCount: Int { Int(PQnfields(pointer)) }

  /// The column's name; empty if there is no such column.
  func name(ofColumn column: Int) -> String {
    PQfname(pointer, Int32(clamping: column)).map { String(cString: $0) } ?? ""
  }

  func type(ofColumn column: Int) -> TypeID {
    TypeID(rawValue: PQftype(pointer, Int32(truncatingIfNeeded: column)))
  }

  func isNull(_ row: Int, _ column: Int) -> Bool {
    PQgetisnull(pointer, Int32(truncatingIfNeeded: row), Int32(truncatingIfNeeded: column)) == 1
  }

  /// The bytes of the value, without its first `prefix` bytes.
  func bytes(_ row: Int, _ column: Int, droppingFirst prefix: Int = 0) -> [UInt8] {
    withValue(row, column) { Array($0.dropFirst(prefix)) }
  }

  /// The value as text, without its first `prefix` bytes.
  func string(_ row: Int, _ column: Int, droppingFirst prefix: Int = 0) -> String {
    withValue(row, column) { String(decoding: $0.dropFirst(prefix), as: UTF8.self) }
  }

  /// The value as an integer in network byte order; nil if its size differs.
  func integer<Integer: FixedWidthInteger>(_ row: Int, _ column: Int, as type: Integer.Type) -> Integer? {
    withValue(row, column) { value in
      guard value.count == MemoryLayout<Integer>.size else { return nil }
      return Integer(bigEndian: value.loadUnaligned(as: Integer.self))
    }
  }

  /// The value as a UUID; nil if it does not have 16 bytes.
  func uuid(_ row: Int, _ column: Int) -> UUID? {
    withValue(row, column) { value in
      guard value.count == MemoryLayout<uuid_t>.size else { return nil }
      return UUID(uuid: value.loadUnaligned(as: uuid_t.self))
    }
  }

  /// Calls `read` with the bytes of the value, which are valid only during the call.
  func withValue<Value, Failure>(
    _ row: Int, _ column: Int, _ read: (UnsafeRawBufferPointer) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let row = Int32(truncatingIfNeeded: row)
    let column = Int32(truncatingIfNeeded: column)
    let length = Int(PQgetlength(pointer, row, column))
    return try read(UnsafeRawBufferPointer(start: PQgetvalue(pointer, row, column), count: length))
  }
}

extension QueryResult {
  /// The kind of result.
  enum Status {
    /// The statement was executed.
    case done
    /// The statement failed; ``error()`` has the reason.
    case failed
    /// The statement was not executed, since an earlier one in the same request failed.
    case skipped
    /// The end of a request.
    case sync
    /// COPY, which pipeline mode does not support.
    case unsupported
  }

  var status: Status {
    switch PQresultStatus(pointer) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: .done
    case PGRES_PIPELINE_SYNC: .sync
    case PGRES_PIPELINE_ABORTED: .skipped
    case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR: .failed
    default: .unsupported
    }
  }

  /// The error of a result with the status ``Status/failed``.
  func error() -> PostgresError {
    let severity = field(Diagnostic.severity)
    // Without a severity, the error is libpq's own: the connection is lost.
    let endsConnection = severity == nil || severity == "FATAL" || severity == "PANIC"
    let sqlState = field(Diagnostic.sqlState) ?? ""
    var error = PostgresError(
      sqlState: sqlState,
      message: field(Diagnostic.message)
        ?? String(cString: PQresultErrorMessage(pointer)).trimmingCharacters(in: .whitespacesAndNewlines),
      detail: field(Diagnostic.detail), hint: field(Diagnostic.hint),
      constraint: field(Diagnostic.constraint), statement: statement,
      position: field(Diagnostic.position).flatMap { Int($0) }, isOutcomeUnknown: endsConnection)
    // 26000: the statement is not prepared. RevalidateCachedQuery: a table has changed since it was prepared.
    error.isPlanStale = sqlState == "26000" || field(Diagnostic.function) == "RevalidateCachedQuery"
    return error
  }

  private func field(_ code: Character) -> String? {
    guard let code = code.asciiValue, let text = PQresultErrorField(pointer, Int32(code)) else { return nil }
    return String(cString: text)
  }
}

/// The field codes of libpq's `PG_DIAG_…` macros, which Swift does not import with a usable type.
private enum Diagnostic {
  static let severity: Character = "V"
  static let sqlState: Character = "C"
  static let message: Character = "M"
  static let detail: Character = "D"
  static let hint: Character = "H"
  static let position: Character = "P"
  static let constraint: Character = "n"
  static let function: Character = "R"
}
