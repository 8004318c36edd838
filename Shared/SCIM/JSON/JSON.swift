/// A JSON value (RFC 8259).
///
/// Objects keep the order of their members, integers are exact, and other numbers keep their text.
public enum JSON: Sendable, Hashable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction and exponent that fits into 64 bits.
  case integer(Int64)
  /// Any other number, as its text.
  case decimal(String)
  /// A string, unescaped.
  case string(String)
  /// An array.
  case array([JSON])
  /// An object.
  case object(JSONObject)
}

extension JSON {
  /// The text of a string; nil for any other value.
  public var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The value of a boolean; nil for any other value.
  public var bool: Bool? {
    if case .bool(let value) = self { value } else { nil }
  }

  /// The value of an exact integer; nil for any other value.
  public var integer: Int64? {
    if case .integer(let value) = self { value } else { nil }
  }

  /// The elements of an array; nil for any other value.
  public var array: [JSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  /// The members of an object; nil for any other value.
  public var object: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  /// The type of the value, and the value itself if it is short; for error messages.
  public var summary: String {
    switch self {
    case .null: "null"
    case .bool(let value): "the boolean \(value)"
    case .integer(let value): "the number \(value)"
    case .decimal(let lexeme): "the number \(lexeme.head(40))"
    case .string(let text): "the string \"\(text.head(40))\""
    case .array(let elements): elements.isEmpty ? "an empty array" : "an array"
    case .object: "an object"
    }
  }
}

extension String {
  /// The first `scalars` Unicode scalars, for error messages. Characters are not counted because one can have any number of scalars.
  func head(_ scalars: Int) -> String {
    let head = unicodeScalars.prefix(scalars)
    return head.endIndex == endIndex ? self : String(head) + "…"
  }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// Creates an object; the last value of a repeated key counts.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

/// The limits of the JSON parser.
public struct JSONLimits: Sendable, Hashable {
  /// The maximum nesting depth of arrays and objects; 1 allows an array or object of scalars.
  public var depth: Int
  /// Whether strings may contain U+0000, which PostgreSQL's `text` cannot store.
  public var allowsNullCharacter: Bool

  /// Creates limits.
  public init(depth: Int = 32, allowsNullCharacter: Bool = false) {
    self.depth = depth
    self.allowsNullCharacter = allowsNullCharacter
  }
}
