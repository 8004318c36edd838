/// A filter that has been checked against the schema of a kind of resource: every path is an attribute of it, every operator fits the
/// attribute's type, and every value is of that type.
public struct TypedFilter: Sendable, Hashable {
  public let expression: Expression

  public indirect enum Expression: Sendable, Hashable {
    /// The same for every resource: what an attribute that the kind does not have comes to, which counts as one without a value.
    case constant(Bool)
    /// One of the attribute's values compares so.
    case comparison(FilterAttribute, Comparison)
    /// The attribute has a value (`pr`).
    case present(FilterAttribute)
    case and([Expression])
    case or([Expression])
    case not(Expression)
    /// One value of the attribute satisfies the inner expression, whose attributes are parts of it.
    case value(FilterAttribute, Expression)
  }

  /// An operator with the value on its right. `ne` is the negation of `eq`, and what is compared with null is or is not present.
  public struct Comparison: Sendable, Hashable {
    public let order: Order
    public let operand: Operand

    public enum Order: Sendable, Hashable {
      case equal, contains, startsWith, endsWith, greater, greaterOrEqual, less, lessOrEqual
    }

    public enum Operand: Sendable, Hashable {
      /// In the form that the operator compares, unless the attribute is compared with case: a comparison key for `eq`, else folded.
      case string(String)
      case bool(Bool)
      /// A number, and how it was written.
      case number(DecimalNumber, lexeme: String)
      /// A moment, and how it was written.
      case instant(Instant, lexeme: String)
    }
  }
}

/// An attribute of a kind of resource as filters and sorting refer to it.
public struct FilterAttribute: Sendable, Hashable {
  /// The URI of the extension that has it; nil for the resource's own schema and for common attributes.
  public let schemaExtension: String?
  /// The top-level attribute.
  public let definition: AttributeDefinition
  /// The part of it that is meant; nil for all of it.
  public let subAttribute: AttributeDefinition?

  public init(schemaExtension: String? = nil, definition: AttributeDefinition, subAttribute: AttributeDefinition? = nil) {
    self.schemaExtension = schemaExtension
    self.definition = definition
    self.subAttribute = subAttribute
  }

  /// What is compared.
  public var leaf: AttributeDefinition { subAttribute ?? definition }

  /// The path as messages show it.
  public var path: String {
    let attribute = schemaExtension.map { "\($0):\(definition.name)" } ?? definition.name
    return subAttribute.map { "\(attribute).\($0.name)" } ?? attribute
  }
}

extension TypedFilter {
  /// Whether the filter asks for an attribute that is never returned, such as a password.
  public var mentionsSecret: Bool { expression.mentionsSecret }
}

extension TypedFilter.Expression {
  fileprivate var mentionsSecret: Bool {
    switch self {
    case .constant: false
    case .comparison(let attribute, _), .present(let attribute):
      attribute.leaf.returned == .never || attribute.definition.returned == .never
    case .and(let operands), .or(let operands): operands.contains(where: \.mentionsSecret)
    case .not(let operand): operand.mentionsSecret
    case .value(let attribute, let inner): attribute.definition.returned == .never || inner.mentionsSecret
    }
  }
}
