/// One attribute of a schema with its characteristics (RFC 7643 §2.2, §7).
///
/// A value of this type is a reference to what never changes, so that the engine can hand it around for every value it looks at.
public struct AttributeDefinition: Sendable {
  private let characteristics: Characteristics

  private final class Characteristics: Sendable {
    let name: String
    let type: DataType
    let isMultiValued: Bool
    let description: String
    let isRequired: Bool
    let isCaseExact: Bool
    let mutability: Mutability
    let returned: Returned
    let uniqueness: Uniqueness
    let canonicalValues: [String]
    let referenceTypes: [String]
    let subAttributes: AttributeTable

    init(
      name: String, type: DataType, isMultiValued: Bool, description: String, isRequired: Bool, isCaseExact: Bool, mutability: Mutability,
      returned: Returned, uniqueness: Uniqueness, canonicalValues: [String], referenceTypes: [String], subAttributes: AttributeTable
    ) {
      self.name = name
      self.type = type
      self.isMultiValued = isMultiValued
      self.description = description
      self.isRequired = isRequired
      self.isCaseExact = isCaseExact
      self.mutability = mutability
      self.returned = returned
      self.uniqueness = uniqueness
      self.canonicalValues = canonicalValues
      self.referenceTypes = referenceTypes
      self.subAttributes = subAttributes
    }
  }

  public init(
    _ name: String, _ type: DataType, multiValued: Bool = false, description: String, required: Bool = false, caseExact: Bool = false,
    mutability: Mutability = .readWrite, returned: Returned = .default, uniqueness: Uniqueness = .none, canonicalValues: [String] = [],
    referenceTypes: [String] = [], subAttributes: [AttributeDefinition] = []
  ) {
    characteristics = Characteristics(
      name: name, type: type, isMultiValued: multiValued, description: description, isRequired: required, isCaseExact: caseExact,
      mutability: mutability, returned: returned, uniqueness: uniqueness, canonicalValues: canonicalValues,
      referenceTypes: referenceTypes, subAttributes: AttributeTable(subAttributes))
  }

  public var name: String { characteristics.name }
  public var type: DataType { characteristics.type }
  public var isMultiValued: Bool { characteristics.isMultiValued }
  public var description: String { characteristics.description }
  public var isRequired: Bool { characteristics.isRequired }
  /// Values are compared with case.
  public var isCaseExact: Bool { characteristics.isCaseExact }
  public var mutability: Mutability { characteristics.mutability }
  public var returned: Returned { characteristics.returned }
  public var uniqueness: Uniqueness { characteristics.uniqueness }
  /// Suggested values; others are accepted.
  public var canonicalValues: [String] { characteristics.canonicalValues }
  /// What a reference may point at: names of resource types, `external`, `uri`.
  public var referenceTypes: [String] { characteristics.referenceTypes }
  /// The parts of a complex attribute.
  public var subAttributes: [AttributeDefinition] { characteristics.subAttributes.definitions }

  /// The sub-attribute of that name, whatever its case.
  public func subAttribute(named name: String) -> AttributeDefinition? { characteristics.subAttributes[name] }

  /// RFC 7643 §2.3.
  public enum DataType: String, Sendable, Hashable, CaseIterable {
    case string, boolean, decimal, integer, dateTime, binary, reference, complex
  }

  /// Who may write it.
  public enum Mutability: String, Sendable, Hashable, CaseIterable {
    case readOnly, readWrite, immutable, writeOnly
  }

  /// When it is in an answer.
  public enum Returned: String, Sendable, Hashable, CaseIterable {
    case always, never, `default`, request
  }

  /// Within what a value is unique.
  public enum Uniqueness: String, Sendable, Hashable, CaseIterable {
    case none, server, global
  }
}

extension AttributeDefinition: Hashable {
  public static func == (left: AttributeDefinition, right: AttributeDefinition) -> Bool {
    let (left, right) = (left.characteristics, right.characteristics)
    return left === right
      || left.name == right.name && left.type == right.type && left.isMultiValued == right.isMultiValued
        && left.description == right.description && left.isRequired == right.isRequired && left.isCaseExact == right.isCaseExact
        && left.mutability == right.mutability && left.returned == right.returned && left.uniqueness == right.uniqueness
        && left.canonicalValues == right.canonicalValues && left.referenceTypes == right.referenceTypes
        && left.subAttributes == right.subAttributes
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(type)
  }
}
