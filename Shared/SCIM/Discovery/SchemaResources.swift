extension SchemaDefinition {
  /// Returns the Schema resource (RFC 7643 §7).
  ///
  /// - Parameters:
  ///   - baseURL: The base URL of the SCIM endpoints, without a trailing slash.
  ///   - ofResource: Whether this is a core schema, which also lists `id`, `externalId` and `meta` (§3.1). Clients that build their mappings
  ///     from the schemas, and Microsoft's validator, expect them there.
  func json(baseURL: String, ofResource: Bool) -> JSON {
    let own = self.attributes
    let attributes = ofResource ? [CommonAttributes.id, CommonAttributes.externalID] + own + [CommonAttributes.meta] : own
    return [
      "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
      "id": .string(id),
      "name": .string(name),
      "description": .string(description),
      "attributes": .array(attributes.map(\.json)),
      "meta": ["resourceType": "Schema", "location": .string("\(baseURL)/Schemas/\(id)")],
    ]
  }
}

extension AttributeDefinition {
  fileprivate var json: JSON {
    var object: JSONObject = [
      "name": .string(name), "type": .string(type.rawValue), "multiValued": .bool(isMultiValued), "description": .string(description),
      "required": .bool(isRequired),
    ]
    if !canonicalValues.isEmpty { object["canonicalValues"] = .array(canonicalValues.map(JSON.string)) }
    if type == .complex {
      object["subAttributes"] = .array(subAttributes.map(\.json))
    } else {
      object["caseExact"] = .bool(isCaseExact)
    }
    object["mutability"] = .string(mutability.rawValue)
    object["returned"] = .string(returned.rawValue)
    if type != .complex { object["uniqueness"] = .string(uniqueness.rawValue) }
    if !referenceTypes.isEmpty { object["referenceTypes"] = .array(referenceTypes.map(JSON.string)) }
    return .object(object)
  }
}

extension ResourceSchema {
  /// Returns the ResourceType resource (RFC 7643 §6).
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
