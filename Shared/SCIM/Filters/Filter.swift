/// A filter over resources or over the values of an attribute (RFC 7644 §3.4.2.2).
public struct Filter: Sendable, Hashable {
  public let expression: Expression

  public init(_ expression: Expression) { self.expression = expression }

  /// The tree of a filter. `and` and `or` have two operands or more; neither is an operand of its own kind.
  public indirect enum Expression: Sendable, Hashable {
    /// `userName eq "bjensen"`
    case comparison(AttributePath, Operator, Value)
    /// `title pr`
    case present(AttributePath)
    case and([Expression])
    case or([Expression])
    case not(Expression)
    /// `emails[type eq "work" and value co "@example.com"]`: one value of the attribute matches the inner expression, whose
    /// paths are sub-attributes. `emails[type eq "work"].value eq "x"` is read as `emails[type eq "work" and value eq "x"]`.
    case value(AttributePath, Expression)
  }

  /// The comparisons of RFC 7644 table 3, without `pr`, which takes no value.
  public enum Operator: String, Sendable, Hashable, CaseIterable {
    case equal = "eq"
    case notEqual = "ne"
    case contains = "co"
    case startsWith = "sw"
    case endsWith = "ew"
    case greater = "gt"
    case greaterOrEqual = "ge"
    case less = "lt"
    case lessOrEqual = "le"
  }

  /// What an attribute is compared with.
  public enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number that is no 64-bit integer, as it was written.
    case decimal(String)
    case string(String)

    /// The text of a string; nil for any other value.
    public var string: String? {
      if case .string(let text) = self { text } else { nil }
    }

    /// The value as JSON.
    public var json: JSON {
      switch self {
      case .null: .null
      case .bool(let value): .bool(value)
      case .integer(let value): .integer(value)
      case .decimal(let lexeme): .decimal(lexeme)
      case .string(let text): .string(text)
      }
    }
  }
}

/// How large a filter may be.
public struct FilterLimits: Sendable, Hashable {
  /// The length of the text in UTF-8.
  public var bytes: Int
  /// How deep parentheses, `not` and brackets may nest.
  public var depth: Int
  /// The number of comparisons.
  public var terms: Int

  public init(bytes: Int = 4096, depth: Int = 16, terms: Int = 200) {
    self.bytes = bytes
    self.depth = depth
    self.terms = terms
  }

  /// For the filter in a PATCH path: identity providers join the ids of many members by `or`.
  public static let patchPath = FilterLimits(bytes: 64 * 1024, depth: 16, terms: 1000)
}

extension Filter {
  /// Whether the filter speaks of a top-level attribute, of whatever schema, or of a part of it.
  public func mentions(_ attribute: String) -> Bool { expression.mentions(attribute) }
}

extension Filter.Expression {
  fileprivate func mentions(_ attribute: String) -> Bool {
    switch self {
    case .comparison(let path, _, _), .present(let path), .value(let path, _): AttributeName.equal(path.attribute, attribute)
    case .and(let operands), .or(let operands): operands.contains { $0.mentions(attribute) }
    case .not(let operand): operand.mentions(attribute)
    }
  }
}

/// The text of a filter; parsing it gives the same filter.
extension Filter: CustomStringConvertible {
  public var description: String { expression.description }
}

extension Filter.Expression: CustomStringConvertible {
  public var description: String {
    switch self {
    case .comparison(let path, let comparison, let value): "\(path) \(comparison.rawValue) \(value)"
    case .present(let path): "\(path) pr"
    case .and(let operands): operands.map { $0.isDisjunction ? "(\($0))" : "\($0)" }.joined(separator: " and ")
    case .or(let operands): operands.map(\.description).joined(separator: " or ")
    case .not(let operand): "not (\(operand))"
    case .value(let path, let inner): "\(path)[\(inner)]"
    }
  }

  private var isDisjunction: Bool {
    if case .or = self { true } else { false }
  }
}

extension Filter.Value: CustomStringConvertible {
  public var description: String { String(decoding: json.serialized(), as: UTF8.self) }
}
