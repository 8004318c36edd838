import Foundation

/// The rows of a result, and the number of rows that the statement changed.
public struct Rows: Sendable, RandomAccessCollection {
  let result: QueryResult

  /// Always 0.
  public var startIndex: Int { 0 }
  /// The number of rows.
  public var endIndex: Int { result.rowCount }
  /// The row at a position, from 0.
  public subscript(position: Int) -> Row { Row(result: result, index: position) }

  /// The number of rows that the statement inserted, updated or deleted; for a query the number of rows that it returned.
  public var affected: Int { result.affected }

  /// The server's command tag, for example `INSERT 0 1`.
  var commandTag: String { result.commandTag }
}

/// A row of a result. Columns count from 0.
///
/// Every accessor throws ``PostgresDecodingError`` if the column has another type; those without `optional` also if it is null.
public struct Row: Sendable {
  let result: QueryResult
  let index: Int

  /// The number of columns.
  public var count: Int { result.columnCount }

  /// Whether a column is null.
  public func isNull(_ column: Int) -> Bool { result.isNull(index, column) }

  /// A `uuid`.
  public func uuid(_ column: Int) throws(PostgresDecodingError) -> UUID {
    try required(column, "uuid", optionalUUID(column))
  }

  /// A `uuid`; nil for null.
  public func optionalUUID(_ column: Int) throws(PostgresDecodingError) -> UUID? {
    guard try isPresent(column, "uuid", { $0 == .uuid }) else { return nil }
    return try wellFormed(column, "uuid", result.uuid(index, column))
  }

  /// A `text`, `varchar`, `char(n)`, `name`, `json` or `jsonb`.
  public func string(_ column: Int) throws(PostgresDecodingError) -> String {
    try required(column, "text", optionalString(column))
  }

  /// A `text`, `varchar`, `char(n)`, `name`, `json` or `jsonb`; nil for null.
  public func optionalString(_ column: Int) throws(PostgresDecodingError) -> String? {
    guard try isPresent(column, "text", { $0.isText || $0 == .jsonb }) else { return nil }
    return result.string(index, column, droppingFirst: result.type(ofColumn: column) == .jsonb ? Self.jsonbPrefix : 0)
  }

  /// An `int2`, `int4` or `int8`.
  public func int(_ column: Int) throws(PostgresDecodingError) -> Int {
    try required(column, "integer", optionalInt(column))
  }

  /// An `int2`, `int4` or `int8`; nil for null.
  public func optionalInt(_ column: Int) throws(PostgresDecodingError) -> Int? {
    guard try isPresent(column, "integer", { $0 == .int8 || $0 == .int4 || $0 == .int2 }) else { return nil }
    let value =
      switch result.type(ofColumn: column) {
      case .int8: result.integer(index, column, as: Int64.self).map { Int($0) }
      case .int4: result.integer(index, column, as: Int32.self).map { Int($0) }
      default: result.integer(index, column, as: Int16.self).map { Int($0) }
      }
    return try wellFormed(column, "integer", value)
  }

  /// A `float4` or `float8`.
  public func double(_ column: Int) throws(PostgresDecodingError) -> Double {
    try required(column, "float", optionalDouble(column))
  }

  /// A `float4` or `float8`; nil for null.
  public func optionalDouble(_ column: Int) throws(PostgresDecodingError) -> Double? {
    guard try isPresent(column, "float", { $0 == .float8 || $0 == .float4 }) else { return nil }
    let value =
      switch result.type(ofColumn: column) {
      case .float8: result.integer(index, column, as: UInt64.self).map { Double(bitPattern: $0) }
      default: result.integer(index, column, as: UInt32.self).map { Double(Float(bitPattern: $0)) }
      }
    return try wellFormed(column, "float", value)
  }

  /// A `bool`.
  public func bool(_ column: Int) throws(PostgresDecodingError) -> Bool {
    try required(column, "bool", optionalBool(column))
  }

  /// A `bool`; nil for null.
  public func optionalBool(_ column: Int) throws(PostgresDecodingError) -> Bool? {
    guard try isPresent(column, "bool", { $0 == .bool }) else { return nil }
    return try wellFormed(column, "bool", result.integer(index, column, as: UInt8.self)) != 0
  }

  /// The bytes of a `bytea`, or the binary format of any other type: UTF-8 for `text`, JSON text for `jsonb`.
  public func bytes(_ column: Int) throws(PostgresDecodingError) -> [UInt8] {
    try required(column, "bytea", optionalBytes(column))
  }

  /// The bytes of a value; see ``bytes(_:)``. nil for null.
  public func optionalBytes(_ column: Int) throws(PostgresDecodingError) -> [UInt8]? {
    guard try isPresent(column, "bytea", { _ in true }) else { return nil }
    return result.bytes(index, column, droppingFirst: result.type(ofColumn: column) == .jsonb ? Self.jsonbPrefix : 0)
  }

  /// A `timestamptz`; its infinities are `Date.distantFuture` and `Date.distantPast`.
  public func timestamp(_ column: Int) throws(PostgresDecodingError) -> Date {
    try required(column, "timestamptz", optionalTimestamp(column))
  }

  /// A `timestamptz`; see ``timestamp(_:)``. nil for null.
  public func optionalTimestamp(_ column: Int) throws(PostgresDecodingError) -> Date? {
    guard try isPresent(column, "timestamptz", { $0 == .timestamptz }) else { return nil }
    return Timestamps.date(try wellFormed(column, "timestamptz", result.integer(index, column, as: Int64.self)))
  }
}

extension Row {
  /// The length of the version byte at the start of jsonb's binary format.
  static let jsonbPrefix = 1

  /// Whether the column is not null.
  ///
  /// - Throws: ``PostgresDecodingError`` if there is no such column, or its type is not accepted.
  func isPresent(_ column: Int, _ expected: String, _ isAccepted: (TypeID) -> Bool) throws(PostgresDecodingError) -> Bool {
    guard column >= 0, column < result.columnCount else {
      throw mismatch(column, expected, found: "missing: the result has \(result.columnCount) columns")
    }
    let type = result.type(ofColumn: column)
    guard isAccepted(type) else { throw mismatch(column, expected, found: type.description) }
    return !result.isNull(index, column)
  }

  func required<Value>(_ column: Int, _ expected: String, _ value: Value?) throws(PostgresDecodingError) -> Value {
    guard let value else { throw mismatch(column, expected, found: "null") }
    return value
  }

  func wellFormed<Value>(_ column: Int, _ expected: String, _ value: Value?) throws(PostgresDecodingError) -> Value {
    guard let value else { throw mismatch(column, expected, found: "a malformed value of \(result.bytes(index, column).count) bytes") }
    return value
  }

  func mismatch(_ column: Int, _ expected: String, found: String) -> PostgresDecodingError {
    PostgresDecodingError(
      statement: result.statement, column: column, name: result.name(ofColumn: column), expected: expected, found: found)
  }
}

extension TypeID {
  /// Whether the type's binary format is its text.
  var isText: Bool {
    switch self {
    case .text, .varchar, .bpchar, .name, .json, .unknown: true
    default: false
    }
  }
}
