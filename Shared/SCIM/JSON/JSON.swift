/// A JSON value (RFC 8259) as the protocol needs it: objects keep their order, integers are exact, and other numbers
/// stay the text that was sent.
public enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits 64 bits.
  case integer(Int64)
  /// Any other number, as it was written.
  case decimal(String)
  case string(String)
  case array([JSON])
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

  /// What kind of value it is, and which where that is short enough to show: for error messages.
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
  /// The beginning of a text for messages. It counts scalars: one character may have any number of them.
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
  /// A key that is given twice keeps its last value.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

/// What a JSON text may contain beyond its grammar.
public struct JSONLimits: Sendable, Hashable {
  /// How deep arrays and objects may nest; 1 is a lone array or object of scalars.
  public var depth: Int
  /// Whether strings may hold U+0000. PostgreSQL's `text` can't.
  public var allowsNullCharacter: Bool

  public init(depth: Int = 32, allowsNullCharacter: Bool = false) {
    self.depth = depth
    self.allowsNullCharacter = allowsNullCharacter
  }
}
