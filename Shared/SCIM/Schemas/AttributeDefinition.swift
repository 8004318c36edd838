/// One attribute of a schema with its characteristics (RFC 7643 §2.2, §7).
public struct AttributeDefinition: Sendable, Hashable {
  public let name: String
  public let type: DataType
  public let isMultiValued: Bool
  public let description: String
  public let isRequired: Bool
  /// Values are compared with case.
  public let isCaseExact: Bool
  public let mutability: Mutability
  public let returned: Returned
  public let uniqueness: Uniqueness
  /// Suggested values; others are accepted.
  public let canonicalValues: [String]
  /// What a reference may point at: names of resource types, `external`, `uri`.
  public let referenceTypes: [String]
  /// The parts of a complex attribute.
  public let subAttributes: [AttributeDefinition]

  public init(
    _ name: String, _ type: DataType, multiValued: Bool = false, description: String, required: Bool = false, caseExact: Bool = false,
    mutability: Mutability = .readWrite, returned: Returned = .default, uniqueness: Uniqueness = .none, canonicalValues: [String] = [],
    referenceTypes: [String] = [], subAttributes: [AttributeDefinition] = []
  ) {
    self.name = name
    self.type = type
    self.isMultiValued = multiValued
    self.description = description
    self.isRequired = required
    self.isCaseExact = caseExact
    self.mutability = mutability
    self.returned = returned
    self.uniqueness = uniqueness
    self.canonicalValues = canonicalValues
    self.referenceTypes = referenceTypes
    self.subAttributes = subAttributes
  }

  /// The sub-attribute of that name, whatever its case.
  public func subAttribute(named name: String) -> AttributeDefinition? {
    subAttributes.first { AttributeName.equal($0.name, name) }
  }

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
