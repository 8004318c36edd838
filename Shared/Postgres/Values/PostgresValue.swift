import Foundation

/// The value of a statement's parameter. It is sent in PostgreSQL's binary format with its type.
public enum PostgresValue: Sendable, Hashable {
  /// SQL null, of the type that the server infers.
  case null
  /// `bool`.
  case bool(Bool)
  /// `int8`.
  case int(Int64)
  /// `float8`.
  case double(Double)
  /// `text`; must not contain U+0000, which PostgreSQL rejects with SQLSTATE 22021.
  case text(String)
  /// `uuid`.
  case uuid(UUID)
  /// `bytea`.
  case bytes([UInt8])
  /// `timestamptz`, to the microsecond. `Date.distantFuture` and later dates are `infinity`, `Date.distantPast` and earlier ones `-infinity`.
  case timestamp(Date)
  /// `jsonb`, as UTF-8 text.
  case json([UInt8])
  /// `bool[]`.
  case boolArray([Bool])
  /// `int8[]`.
  case intArray([Int64])
  /// `text[]`.
  case textArray([String?])
  /// `uuid[]`.
  case uuidArray([UUID?])
  /// `bytea[]`.
  case bytesArray([[UInt8]?])
  /// `timestamptz[]`; infinities as with ``timestamp(_:)``.
  case timestampArray([Date?])
}

extension PostgresValue {
  /// The wrapped value, or ``null`` for nil: `.optional(expiry, PostgresValue.timestamp)`.
  public static func optional<Value>(_ value: Value?, _ make: (Value) -> PostgresValue) -> PostgresValue {
    value.map(make) ?? .null
  }

  /// The array literal of a `text[]`, for statements that take one array per row: PostgreSQL's nested arrays must be rectangular, so the
  /// statement takes an array of literals and casts each.
  public static func arrayLiteral(_ elements: [String]) -> String {
    var literal: [UInt8] = [UInt8(ascii: "{")]
    literal.reserveCapacity(elements.reduce(2) { $0 + $1.utf8.count + 3 })
    for (index, element) in elements.enumerated() {
      if index > 0 { literal.append(UInt8(ascii: ",")) }
      literal.append(UInt8(ascii: "\""))
      for byte in element.utf8 {
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { literal.append(UInt8(ascii: "\\")) }
        literal.append(byte)
      }
      literal.append(UInt8(ascii: "\""))
    }
    literal.append(UInt8(ascii: "}"))
    return String(decoding: literal, as: UTF8.self)
  }
}
