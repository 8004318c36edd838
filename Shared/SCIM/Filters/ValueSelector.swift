import Primitives

/// The compiled value filter of a PATCH path: names are resolved and operands converted once for many values.
///
/// Paths are sub-attributes of the multi-valued attribute. A comparison that does not fit a sub-attribute's type selects nothing. Many
/// comparisons of a sub-attribute with different texts, joined with `or`, become one set look-up.
struct ValueSelector {
  private let predicate: Predicate

  /// - Parameter definition: The multi-valued attribute.
  init(_ filter: Filter, of definition: AttributeDefinition) {
    predicate = Predicate(filter.expression, of: definition)
  }

  /// Whether the filter selects one value of the attribute.
  func selects(_ value: JSON) -> Bool { predicate.holds(for: value) }

  /// The maximum number of comparisons per value.
  var comparisons: Int { predicate.comparisons }
}

/// The sub-attribute, or the simple value, that a comparison refers to.
private struct ValuePart {
  let definition: AttributeDefinition
  /// Whether the value itself is compared, because the attribute is not complex.
  let isWhole: Bool

  init?(_ path: AttributePath, of definition: AttributeDefinition) {
    if definition.type != .complex {
      guard AttributeName.equal(path.attribute, "value") else { return nil }
      (self.definition, isWhole) = (definition, true)
    } else {
      guard let part = definition.subAttribute(named: path.attribute) else { return nil }
      (self.definition, isWhole) = (part, false)
    }
  }

  func values(in value: JSON) -> [JSON] {
    if isWhole { return [value] }
    guard let found = value.object?.value(forAttribute: definition.name) else { return [] }
    return found.array ?? [found]
  }
}

private indirect enum Predicate {
  case never
  case all([Predicate])
  case any([Predicate])
  case not(Predicate)
  case present(ValuePart)
  case comparison(ValuePart, TypedFilter.Comparison)
  /// The part equals one of several texts.
  case oneOf(ValuePart, Set<ComparedText>)

  init(_ expression: Filter.Expression, of definition: AttributeDefinition) {
    switch expression {
    case .and(let operands): self = .all(operands.map { Predicate($0, of: definition) })
    case .or(let operands): self = .any(Self.joined(operands.map { Predicate($0, of: definition) }))
    case .not(let operand): self = .not(Predicate(operand, of: definition))
    case .present(let path): self = ValuePart(path, of: definition).map(Predicate.present) ?? .never
    case .comparison(let path, .notEqual, let compared): self = .not(Predicate(.comparison(path, .equal, compared), of: definition))
    case .comparison(let path, .equal, .null): self = .not(Predicate(.present(path), of: definition))
    case .comparison(let path, let comparison, let compared):
      guard let part = ValuePart(path, of: definition), let order = TypedFilter.Comparison.Order(comparison),
        part.definition.type.permits(order), let operand = TypedFilter.Comparison.Operand(compared, for: part.definition, comparedBy: order)
      else {
        self = .never
        return
      }
      self = .comparison(part, TypedFilter.Comparison(order: order, operand: operand))
    case .value: self = .never
    }
  }

  /// The number of text comparisons from which a set look-up is used.
  private static let enoughToHash = 8

  /// Merges the text comparisons of the same sub-attribute into set look-ups.
  private static func joined(_ predicates: [Predicate]) -> [Predicate] {
    guard predicates.count >= enoughToHash else { return predicates }
    var rest: [Predicate] = []
    var lookups: [(part: ValuePart, texts: Set<ComparedText>)] = []
    for predicate in predicates {
      guard case .comparison(let part, let comparison) = predicate, comparison.order == .equal, case .string(let text) = comparison.operand
      else {
        rest.append(predicate)
        continue
      }
      if let index = lookups.firstIndex(where: { $0.part.definition.name == part.definition.name }) {
        lookups[index].texts.insert(ComparedText(operand: text))
      } else {
        lookups.append((part, [ComparedText(operand: text)]))
      }
    }
    return rest + lookups.map { Predicate.oneOf($0.part, $0.texts) }
  }

  func holds(for value: JSON) -> Bool {
    switch self {
    case .never: false
    case .all(let predicates): predicates.allSatisfy { $0.holds(for: value) }
    case .any(let predicates): predicates.contains { $0.holds(for: value) }
    case .not(let predicate): !predicate.holds(for: value)
    case .present(let part): part.values(in: value).contains { !$0.isUnassigned }
    case .comparison(let part, let comparison): part.values(in: value).contains { comparison.holds(for: $0, of: part.definition) }
    case .oneOf(let part, let texts):
      part.values(in: value).contains { value in
        value.string.map { texts.contains(ComparedText(stored: $0, of: part.definition)) } ?? false
      }
    }
  }

  var comparisons: Int {
    switch self {
    case .never: 1
    case .all(let predicates), .any(let predicates): predicates.reduce(1) { $0 + $1.comparisons }
    case .not(let predicate): predicate.comparisons
    case .present, .comparison: 1
    case .oneOf: 2
    }
  }
}

/// A text in the form that `eq` compares, as bytes.
private struct ComparedText: Hashable {
  private let bytes: [UInt8]

  /// Takes the operand of a typed comparison.
  init(operand: String) { bytes = Array(operand.utf8) }

  init(stored text: String, of definition: AttributeDefinition) {
    bytes = Array((definition.isCaseExact ? text : ComparisonKey(text).text).utf8)
  }
}
