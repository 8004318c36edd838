/// The definition of an attribute: its name and characteristics (RFC 7643 §2.2, §7).
///
/// The characteristics are an immutable shared object, so that copies are cheap.
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

  /// Creates a definition; see the properties for the parameters.
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

  /// The name of the attribute.
  public var name: String { characteristics.name }
  /// The data type of a value.
  public var type: DataType { characteristics.type }
  /// Whether the attribute is an array of values.
  public var isMultiValued: Bool { characteristics.isMultiValued }
  /// The description for people.
  public var description: String { characteristics.description }
  /// Whether the attribute must have a value.
  public var isRequired: Bool { characteristics.isRequired }
  /// Whether values are compared with case.
  public var isCaseExact: Bool { characteristics.isCaseExact }
  /// Whether clients can write the attribute.
  public var mutability: Mutability { characteristics.mutability }
  /// When responses contain the attribute.
  public var returned: Returned { characteristics.returned }
  /// The scope in which values are unique.
  public var uniqueness: Uniqueness { characteristics.uniqueness }
  /// Suggested values; others are valid as well.
  public var canonicalValues: [String] { characteristics.canonicalValues }
  /// The possible targets of a reference: names of resource types, `external` or `uri`.
  public var referenceTypes: [String] { characteristics.referenceTypes }
  /// The sub-attributes of a complex attribute.
  public var subAttributes: [AttributeDefinition] { characteristics.subAttributes.definitions }

  /// Returns the sub-attribute with this name, which is compared without case.
  public func subAttribute(named name: String) -> AttributeDefinition? { characteristics.subAttributes[name] }

  /// The data types (RFC 7643 §2.3).
  public enum DataType: String, Sendable, Hashable, CaseIterable {
    /// Text.
    case string
    /// `true` or `false`.
    case boolean
    /// A number.
    case decimal
    /// A number without fraction.
    case integer
    /// A time (RFC 3339).
    case dateTime
    /// Base64.
    case binary
    /// A URI.
    case reference
    /// An object with sub-attributes.
    case complex
  }

  /// Whether clients can write an attribute (RFC 7643 §2.2).
  public enum Mutability: String, Sendable, Hashable, CaseIterable {
    /// Only the service provider writes it.
    case readOnly
    /// Clients can write it at any time.
    case readWrite
    /// Clients can set it once.
    case immutable
    /// Clients can write it; it is never returned.
    case writeOnly
  }

  /// When responses contain an attribute (RFC 7643 §2.2).
  public enum Returned: String, Sendable, Hashable, CaseIterable {
    /// In every response.
    case always
    /// In no response.
    case never
    /// Unless excluded.
    case `default`
    /// Only on request.
    case request
  }

  /// The scope in which values are unique (RFC 7643 §2.2).
  public enum Uniqueness: String, Sendable, Hashable, CaseIterable {
    /// Values need not be unique.
    case none
    /// Unique within the service provider's workspace.
    case server
    /// Unique worldwide.
    case global
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
