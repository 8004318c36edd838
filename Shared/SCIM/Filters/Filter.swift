/// A filter over resources or over the values of an attribute (RFC 7644 §3.4.2.2).
public struct Filter: Sendable, Hashable {
  /// The parsed expression.
  public let expression: Expression

  /// Creates a filter from an expression.
  public init(_ expression: Expression) { self.expression = expression }

  /// The expression tree of a filter. `and` and `or` have at least two operands, none of which is of the same case.
  public indirect enum Expression: Sendable, Hashable {
    /// A comparison: `userName eq "bjensen"`.
    case comparison(AttributePath, Operator, Value)
    /// A presence test: `title pr`.
    case present(AttributePath)
    /// All operands hold.
    case and([Expression])
    /// At least one operand holds.
    case or([Expression])
    /// The operand does not hold.
    case not(Expression)
    /// A value filter: `emails[type eq "work" and value co "@example.com"]`.
    ///
    /// One value of the attribute matches the inner expression, whose paths are sub-attributes. `emails[type eq "work"].value eq "x"` is
    /// parsed as `emails[type eq "work" and value eq "x"]`.
    case value(AttributePath, Expression)
  }

  /// The comparison operators of RFC 7644 table 3, without `pr`.
  public enum Operator: String, Sendable, Hashable, CaseIterable {
    /// Equal.
    case equal = "eq"
    /// Not equal.
    case notEqual = "ne"
    /// Contains the text.
    case contains = "co"
    /// Starts with the text.
    case startsWith = "sw"
    /// Ends with the text.
    case endsWith = "ew"
    /// Greater than.
    case greater = "gt"
    /// Greater than or equal to.
    case greaterOrEqual = "ge"
    /// Less than.
    case less = "lt"
    /// Less than or equal to.
    case lessOrEqual = "le"
  }

  /// The value on the right side of a comparison.
  public enum Value: Sendable, Hashable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer of 64 bits.
    case integer(Int64)
    /// Any other number, as its text.
    case decimal(String)
    /// A string, unescaped.
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

/// The limits of the filter parser.
public struct FilterLimits: Sendable, Hashable {
  /// The maximum length of the text in bytes of UTF-8.
  public var bytes: Int
  /// The maximum nesting depth of parentheses, `not` and brackets.
  public var depth: Int
  /// The maximum number of comparisons.
  public var terms: Int

  /// Creates limits.
  public init(bytes: Int = 4096, depth: Int = 16, terms: Int = 200) {
    self.bytes = bytes
    self.depth = depth
    self.terms = terms
  }

  /// The limits of the filter in a PATCH path, in which identity providers join the ids of many members with `or`.
  public static let patchPath = FilterLimits(bytes: 64 * 1024, depth: 16, terms: 1000)
}

extension Filter {
  /// Whether the filter refers to a top-level attribute of any schema, or to one of its sub-attributes.
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

/// The text of a filter; parsing it returns an equal filter.
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
