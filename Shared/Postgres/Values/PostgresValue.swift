import Foundation

/// A value of a statement's parameter, sent in PostgreSQL's binary format with its type.
public enum PostgresValue: Sendable, Hashable {
  /// SQL's null, of whatever type the statement wants there.
  case null
  case bool(Bool)
  /// `int8`.
  case int(Int64)
  /// `float8`.
  case double(Double)
  /// `text`; must not contain U+0000, which PostgreSQL refuses with SQLSTATE 22021.
  case text(String)
  case uuid(UUID)
  /// `bytea`.
  case bytes([UInt8])
  /// `timestamptz`, to the microsecond. `Date.distantFuture` and later infinities are `infinity`, `Date.distantPast` is `-infinity`.
  case timestamp(Date)
  /// `jsonb`, as UTF-8 text.
  case json([UInt8])
  case boolArray([Bool])
  /// `int8[]`.
  case intArray([Int64])
  /// `text[]`.
  case textArray([String?])
  case uuidArray([UUID?])
  /// `bytea[]`.
  case bytesArray([[UInt8]?])
  /// `timestamptz[]`; infinities as with ``timestamp(_:)``.
  case timestampArray([Date?])
}

extension PostgresValue {
  /// The wrapped value where there is one, otherwise ``null``: `.optional(expiry, PostgresValue.timestamp)`.
  public static func optional<Value>(_ value: Value?, _ make: (Value) -> PostgresValue) -> PostgresValue {
    value.map(make) ?? .null
  }
}
