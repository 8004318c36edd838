extension SchemaDefinition {
  /// The URI of the enterprise extension of User.
  public static let enterpriseUserID = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

  /// Enterprise User (RFC 7643 §4.3).
  public static let enterpriseUser = SchemaDefinition(
    id: enterpriseUserID, name: "EnterpriseUser", description: "Enterprise User",
    attributes: [
      AttributeDefinition("employeeNumber", .string, description: "The number that the organisation gave the person."),
      AttributeDefinition("costCenter", .string, description: "The name of a cost center."),
      AttributeDefinition("organization", .string, description: "The name of an organisation."),
      AttributeDefinition("division", .string, description: "The name of a division."),
      AttributeDefinition("department", .string, description: "The name of a department."),
      AttributeDefinition(
        "manager", .complex, description: "The person's manager.",
        subAttributes: [
          AttributeDefinition("value", .string, description: "The id of the manager's User resource.", caseExact: true),
          AttributeDefinition(
            "$ref", .reference, description: "The URI of the manager's User resource.", caseExact: true, referenceTypes: ["User"]),
          AttributeDefinition("displayName", .string, description: "The manager's name.", mutability: .readOnly),
        ]),
    ])
}
