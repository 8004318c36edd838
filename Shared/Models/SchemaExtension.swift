/// A schema that a workspace adds to the standard ones, in the form of RFC 7643 §7: what its attributes are is checked by
/// identity-store, so that a mistake is answered in words.
public struct SchemaExtension: Sendable, Hashable, Codable {
  /// The URN that resources hold the attributes under, `urn:example:scim:schemas:acme:2.0:User`.
  public var id: String
  public var name: String
  public var description: String
  /// Which resources have it.
  public var resourceType: ResourceType
  public var attributes: [Attribute]

  public init(id: String, name: String, description: String = "", resourceType: ResourceType = .user, attributes: [Attribute]) {
    self.id = id
    self.name = name
    self.description = description
    self.resourceType = resourceType
    self.attributes = attributes
  }

  public enum ResourceType: String, Sendable, Hashable, Codable, CaseIterable {
    case user = "User"
    case group = "Group"
  }

  /// An attribute; what is not given is as RFC 7643 §2.2 has it by default.
  public struct Attribute: Sendable, Hashable, Codable {
    public var name: String
    public var type: DataType
    public var multiValued: Bool
    public var description: String
    public var required: Bool
    public var caseExact: Bool
    public var mutability: Mutability
    public var canonicalValues: [String]
    public var referenceTypes: [String]
    /// The parts of a complex attribute.
    public var subAttributes: [Attribute]

    public init(
      name: String, type: DataType = .string, multiValued: Bool = false, description: String = "", required: Bool = false,
      caseExact: Bool = false, mutability: Mutability = .readWrite, canonicalValues: [String] = [], referenceTypes: [String] = [],
      subAttributes: [Attribute] = []
    ) {
      self.name = name
      self.type = type
      self.multiValued = multiValued
      self.description = description
      self.required = required
      self.caseExact = caseExact
      self.mutability = mutability
      self.canonicalValues = canonicalValues
      self.referenceTypes = referenceTypes
      self.subAttributes = subAttributes
    }

    public enum DataType: String, Sendable, Hashable, Codable, CaseIterable {
      case string, boolean, decimal, integer, dateTime, binary, reference, complex
    }

    public enum Mutability: String, Sendable, Hashable, Codable, CaseIterable {
      case readWrite, immutable
    }
  }
}

extension SchemaExtension {
  /// Reads what an operator wrote: everything but `id` and `attributes` may be missing.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let id = try container.decode(String.self, forKey: .id)
    self.init(
      id: id, name: try container.decodeIfPresent(String.self, forKey: .name) ?? id.split(separator: ":").last.map(String.init) ?? id,
      description: try container.decodeIfPresent(String.self, forKey: .description) ?? "",
      resourceType: try container.decodeIfPresent(ResourceType.self, forKey: .resourceType) ?? .user,
      attributes: try container.decode([Attribute].self, forKey: .attributes))
  }
}

extension SchemaExtension.Attribute {
  /// Reads what an operator wrote: everything but `name` may be missing.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try container.decode(String.self, forKey: .name),
      type: try container.decodeIfPresent(DataType.self, forKey: .type) ?? .string,
      multiValued: try container.decodeIfPresent(Bool.self, forKey: .multiValued) ?? false,
      description: try container.decodeIfPresent(String.self, forKey: .description) ?? "",
      required: try container.decodeIfPresent(Bool.self, forKey: .required) ?? false,
      caseExact: try container.decodeIfPresent(Bool.self, forKey: .caseExact) ?? false,
      mutability: try container.decodeIfPresent(Mutability.self, forKey: .mutability) ?? .readWrite,
      canonicalValues: try container.decodeIfPresent([String].self, forKey: .canonicalValues) ?? [],
      referenceTypes: try container.decodeIfPresent([String].self, forKey: .referenceTypes) ?? [],
      subAttributes: try container.decodeIfPresent([SchemaExtension.Attribute].self, forKey: .subAttributes) ?? [])
  }
}
