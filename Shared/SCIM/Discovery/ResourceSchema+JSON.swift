extension ResourceSchema {
  /// The ResourceType resource (RFC 7643 §6).
  func json(baseURL: String) -> JSON {
    [
      "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
      "id": .string(name),
      "name": .string(name),
      "endpoint": .string(endpoint),
      "description": .string(description),
      "schema": .string(core.id),
      "schemaExtensions": .array(extensions.map { ["schema": .string($0.id), "required": false] }),
      "meta": ["resourceType": "ResourceType", "location": .string("\(baseURL)/ResourceTypes/\(name)")],
    ]
  }
}
