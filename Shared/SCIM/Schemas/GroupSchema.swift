extension SchemaDefinition {
  /// The URI of the Group schema.
  public static let groupID = "urn:ietf:params:scim:schemas:core:2.0:Group"

  /// The Group schema (RFC 7643 §4.2, §8.7.1). `displayName` is required, as the text of §4.2 says.
  public static let group = SchemaDefinition(
    id: groupID, name: "Group", description: "Group",
    attributes: [
      AttributeDefinition(
        "displayName", .string, description: "The name of the group; unique in the workspace, compared without case.", required: true,
        uniqueness: .server),
      AttributeDefinition(
        "members", .complex, multiValued: true, description: "The users in the group.",
        subAttributes: [
          AttributeDefinition("value", .string, description: "The id of the user.", caseExact: true, mutability: .immutable),
          AttributeDefinition(
            "$ref", .reference, description: "The URI of the user.", caseExact: true, mutability: .immutable, referenceTypes: ["User"]),
          AttributeDefinition("display", .string, description: "The name of the user.", mutability: .readOnly),
          AttributeDefinition(
            "type", .string, description: "The kind of member.", mutability: .immutable, canonicalValues: ["User"]),
        ]),
    ])
}
