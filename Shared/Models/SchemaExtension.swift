/// A schema extension of a workspace, in the form of RFC 7643 §7. identity-store validates the attributes.
public struct SchemaExtension: Sendable, Hashable, Codable {
  /// The URN of the schema, such as `urn:example:scim:schemas:acme:2.0:User`.
  public var id: String
  /// The name of the schema, for people.
  public var name: String
  /// What it is for, for people.
  public var description: String
  /// The type of resources that have the extension.
  public var resourceType: ResourceType
  /// The attributes of the schema.
  public var attributes: [Attribute]

  /// Creates a schema extension.
  public init(id: String, name: String, description: String = "", resourceType: ResourceType = .user, attributes: [Attribute]) {
    self.id = id
    self.name = name
    self.description = description
    self.resourceType = resourceType
    self.attributes = attributes
  }

  /// A type of resource.
  public enum ResourceType: String, Sendable, Hashable, Codable, CaseIterable {
    /// Users.
    case user = "User"
    /// Groups.
    case group = "Group"
  }

  /// An attribute, with the defaults of RFC 7643 §2.2.
  public struct Attribute: Sendable, Hashable, Codable {
    /// The name of the attribute.
    public var name: String
    /// The data type.
    public var type: DataType
    /// Whether it holds a list of values.
    public var multiValued: Bool
    /// What it is for, for people.
    public var description: String
    /// Whether a resource must have it.
    public var required: Bool
    /// Whether strings are compared with case.
    public var caseExact: Bool
    /// Whether it can change after the resource is created.
    public var mutability: Mutability
    /// The values that clients should use.
    public var canonicalValues: [String]
    /// The types of resources that a reference may name.
    public var referenceTypes: [String]
    /// The sub-attributes of a complex attribute.
    public var subAttributes: [Attribute]

    /// Creates an attribute.
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

    /// The data types of RFC 7643 §2.3.
    public enum DataType: String, Sendable, Hashable, Codable, CaseIterable {
      /// Named as in RFC 7643 §2.3.
      case string, boolean, decimal, integer, dateTime, binary, reference, complex
    }

    /// The mutabilities of RFC 7643 §7 that an extension can have.
    public enum Mutability: String, Sendable, Hashable, Codable, CaseIterable {
      /// Named as in RFC 7643 §7.
      case readWrite, immutable
    }
  }
}

extension SchemaExtension {
  /// Decodes the JSON form, in which only `id` and `attributes` are required.
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
  /// Decodes the JSON form, in which only `name` is required.
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
