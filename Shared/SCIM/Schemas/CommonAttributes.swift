/// The common attributes of all resources (RFC 7643 §3, §3.1).
enum CommonAttributes {
  static let schemas = AttributeDefinition(
    "schemas", .reference, multiValued: true, description: "The URIs of the schemas that the resource has attributes of.",
    required: true, caseExact: true, returned: .always, referenceTypes: ["uri"])
  static let id = AttributeDefinition(
    "id", .string, description: "The identifier that this service provider gave the resource; it never changes.", caseExact: true,
    mutability: .readOnly, returned: .always, uniqueness: .server)
  static let externalID = AttributeDefinition(
    "externalId", .string, description: "The identifier that the provisioning client gave the resource.", caseExact: true)
  static let meta = AttributeDefinition(
    "meta", .complex, description: "What the service provider knows about the resource itself.", mutability: .readOnly,
    subAttributes: [
      AttributeDefinition("resourceType", .string, description: "The name of the resource type.", caseExact: true, mutability: .readOnly),
      AttributeDefinition("created", .dateTime, description: "When the resource was added.", mutability: .readOnly),
      AttributeDefinition("lastModified", .dateTime, description: "When the resource was last changed.", mutability: .readOnly),
      AttributeDefinition(
        "location", .reference, description: "The URI of the resource.", caseExact: true, mutability: .readOnly,
        referenceTypes: ["uri"]),
      AttributeDefinition(
        "version", .string, description: "The entity tag of the resource as it is.", caseExact: true, mutability: .readOnly),
    ])

  /// The common attributes at the start of a resource; `meta` is at its end.
  static let leading = [schemas, id, externalID]
}
