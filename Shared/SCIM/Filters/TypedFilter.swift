/// A filter that was checked against a schema: paths are resolved attributes, operators fit the attributes' types, and values have those
/// types.
public struct TypedFilter: Sendable, Hashable {
  /// The checked expression.
  public let expression: Expression

  /// The expression tree of a checked filter.
  public indirect enum Expression: Sendable, Hashable {
    /// True or false for every resource, such as a test of an attribute that the schema does not have.
    case constant(Bool)
    /// The comparison holds for one of the attribute's values.
    case comparison(FilterAttribute, Comparison)
    /// The attribute has a value (`pr`).
    case present(FilterAttribute)
    /// All operands hold.
    case and([Expression])
    /// At least one operand holds.
    case or([Expression])
    /// The operand does not hold.
    case not(Expression)
    /// One value of the attribute satisfies the inner expression, whose attributes are its sub-attributes.
    case value(FilterAttribute, Expression)
  }

  /// An operator and its right operand. `ne` becomes a negated `eq`, and a comparison with null a presence test.
  public struct Comparison: Sendable, Hashable {
    /// The operator.
    public let order: Order
    /// The right operand.
    public let operand: Operand

    /// The operators of checked comparisons.
    public enum Order: Sendable, Hashable {
      /// `eq`
      case equal
      /// `co`
      case contains
      /// `sw`
      case startsWith
      /// `ew`
      case endsWith
      /// `gt`
      case greater
      /// `ge`
      case greaterOrEqual
      /// `lt`
      case less
      /// `le`
      case lessOrEqual
    }

    /// A value of the attribute's type.
    public enum Operand: Sendable, Hashable {
      /// Text in the compared form: as is for a case-exact attribute, else a comparison key for `eq` and folded text for other operators.
      case string(String)
      /// A boolean.
      case bool(Bool)
      /// A number, and its text.
      case number(DecimalNumber, lexeme: String)
      /// A time, and its text.
      case instant(Instant, lexeme: String)
    }
  }
}

/// An attribute, or a sub-attribute, that a filter or a sort order refers to.
public struct FilterAttribute: Sendable, Hashable {
  /// The URI of the extension that has the attribute; nil for the core schema and common attributes.
  public let schemaExtension: String?
  /// The top-level attribute.
  public let definition: AttributeDefinition
  /// The sub-attribute; nil for the attribute itself.
  public let subAttribute: AttributeDefinition?

  /// Creates a reference to an attribute.
  public init(schemaExtension: String? = nil, definition: AttributeDefinition, subAttribute: AttributeDefinition? = nil) {
    self.schemaExtension = schemaExtension
    self.definition = definition
    self.subAttribute = subAttribute
  }

  /// The sub-attribute, or the attribute if there is none.
  public var leaf: AttributeDefinition { subAttribute ?? definition }

  /// The path, such as `name.familyName`.
  public var path: String {
    let attribute = schemaExtension.map { "\($0):\(definition.name)" } ?? definition.name
    return subAttribute.map { "\(attribute).\($0.name)" } ?? attribute
  }
}

extension TypedFilter {
  /// Whether the filter refers to an attribute that is never returned, such as `password`.
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
