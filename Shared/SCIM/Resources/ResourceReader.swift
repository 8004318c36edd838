/// Converts a resource that a client sent to canonical form: names and order of the schema, valid values, and no attributes that are
/// read-only, unassigned or not stored.
struct ResourceReader {
  let schema: ResourceSchema

  /// Reads a complete resource.
  ///
  /// Unknown attributes are ignored: clients send attributes of their own, and RFC 7644 §3.3 permits it.
  ///
  /// - Throws: `invalidSyntax` if it is not an object; `invalidValue` with the attribute, what was expected and what was found.
  func read(_ json: JSON) throws(SCIMError) -> JSONObject {
    guard case .object(let sent) = json else {
      throw .badRequest(
        .invalidSyntax, "The request body must be a JSON object that holds a \(schema.name) resource, found \(json.summary).")
    }
    try checkSchemas(sent.value(forAttribute: "schemas"))
    var found: [(index: Int, value: JSON)] = []
    var extensions: [String: JSONObject] = [:]
    try read(sent, into: &found, extensions: &extensions)
    return try assemble(found, extensions)
  }

  private func read(
    _ sent: JSONObject, into found: inout [(index: Int, value: JSON)], extensions: inout [String: JSONObject]
  ) throws(SCIMError) {
    for member in sent {
      if let index = schema.topLevelIndex(of: member.key) {
        let definition = schema.topLevel[index]
        guard definition.isStored, definition.name != CommonAttributes.schemas.name else { continue }
        guard let value = try value(member.value, of: definition, at: definition.name) else { continue }
        guard !found.contains(where: { $0.index == index }) else { throw twice(definition.name) }
        found.append((index, value))
      } else if let schemaExtension = schema.schemaExtension(member.key) {
        let attributes = try read(member.value, of: schemaExtension)
        if !attributes.isEmpty { extensions[schemaExtension.id] = attributes }
      } else if AttributeName.equal(member.key, schema.core.id), case .object(let attributes) = member.value {
        // Okta nests a custom attribute below the URI of its schema, even of the core schema.
        try read(attributes, into: &found, extensions: &extensions)
      }
    }
  }

  private func value(_ json: JSON, of definition: AttributeDefinition, at path: @autoclosure () -> String) throws(SCIMError) -> JSON? {
    do throws(InvalidValue) {
      let value = try AttributeReader.value(json, of: definition)
      if let value { try checkAddresses(in: value, of: definition) }
      return value
    } catch {
      throw error.error(at: path())
    }
  }

  /// Rejects line breaks in addresses and user names, which would start another header in a mail.
  private func checkAddresses(in value: JSON, of definition: AttributeDefinition) throws(InvalidValue) {
    guard schema.core.id == SchemaDefinition.userID else { return }
    switch definition.name {
    case "userName": try checkAddress(value.string, at: "")
    case "emails":
      for (index, element) in (value.array ?? []).enumerated() {
        try checkAddress(element.object?["value"]?.string, at: "[\(index)].value")
      }
    default: return
    }
  }

  private func checkAddress(_ text: String?, at step: String) throws(InvalidValue) {
    guard let text, text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return }
    throw InvalidValue(complaint: "must not contain a line break").below(step)
  }

  private func read(_ json: JSON, of schemaExtension: SchemaDefinition) throws(SCIMError) -> JSONObject {
    if json == .null { return JSONObject() }
    guard case .object(let sent) = json else {
      throw .badRequest(.invalidValue, "\(schemaExtension.id) must be an object with the attributes of that schema, found \(json.summary).")
    }
    let known = sent.keepingAttributes { schemaExtension.attribute(named: $0) != nil }
    var attributes = JSONObject()
    for definition in schemaExtension.attributes where definition.isStored {
      guard let value = known.value(forAttribute: definition.name) else { continue }
      if let read = try self.value(value, of: definition, at: "\(schemaExtension.id):\(definition.name)") {
        attributes.appendNew(definition.name, read)
      }
    }
    if !attributes.isEmpty, let missing = schemaExtension.attributes.first(where: { $0.isRequired && attributes[$0.name] == nil }) {
      throw .badRequest(
        .invalidValue,
        "\(schemaExtension.id):\(missing.name) is required where a \(schema.name) has attributes of that schema, and is missing.")
    }
    return attributes
  }

  private func assemble(_ found: [(index: Int, value: JSON)], _ extensions: [String: JSONObject]) throws(SCIMError) -> JSONObject {
    var resource = JSONObject()
    let present = schema.extensions.filter { extensions[$0.id] != nil }
    resource["schemas"] = .array(([schema.core] + present).map { .string($0.id) })
    for (index, value) in found.sorted(by: { $0.index < $1.index }) { resource.appendNew(schema.topLevel[index].name, value) }
    for definition in schema.required where resource[definition.name] == nil {
      throw .badRequest(
        .invalidValue,
        "\(definition.name) is required for a \(schema.name) and is missing. Map it in the identity provider's attribute mappings.")
    }
    for schemaExtension in present {
      if let attributes = extensions[schemaExtension.id] { resource.appendNew(schemaExtension.id, .object(attributes)) }
    }
    return resource
  }

  /// Reads a canonical resource again after changes.
  ///
  /// - Parameters:
  ///   - resource: The changed resource.
  ///   - changed: The names of the changed attributes and the URIs of the changed extensions; only these are validated.
  func reread(_ resource: JSONObject, changed: [String]) throws(SCIMError) -> JSONObject {
    var found: [(index: Int, value: JSON)] = []
    found.reserveCapacity(resource.count)
    var extensions: [String: JSONObject] = [:]
    for member in resource {
      if member.key == CommonAttributes.schemas.name {
        if changed.contains(member.key) { try checkSchemas(member.value) }
      } else if changed.contains(member.key) {
        try read([member.key: member.value], into: &found, extensions: &extensions)
      } else if let index = schema.topLevelIndex(of: member.key) {
        found.append((index, member.value))
      } else if let attributes = member.value.object, schema.schemaExtension(member.key) != nil {
        extensions[member.key] = attributes
      }
    }
    return try assemble(found, extensions)
  }

  /// Reads a stored document, which was valid when it was stored. Extension attributes that were removed from the schemas since then, or
  /// have another type now, are dropped.
  func readStored(_ json: JSON) throws(SCIMError) -> JSONObject {
    guard case .object(let stored) = json else {
      throw SCIMError(status: 500, scimType: nil, detail: "The stored resource can't be read: it is \(json.summary).")
    }
    var kept = JSONObject()
    for member in stored where member.key != CommonAttributes.id.name && member.key != CommonAttributes.meta.name {
      guard member.key.utf8.contains(UInt8(ascii: ":")), !AttributeName.equal(member.key, SchemaDefinition.enterpriseUserID) else {
        kept.appendNew(member.key, member.value)
        continue
      }
      guard let schemaExtension = schema.schemaExtension(member.key), let attributes = member.value.object else { continue }
      let still = Self.stillValid(attributes, in: schemaExtension)
      if !still.isEmpty { kept.appendNew(schemaExtension.id, .object(still)) }
    }
    if kept[CommonAttributes.externalID.name]?.string?.isBlank == true { kept[CommonAttributes.externalID.name] = nil }
    kept[CommonAttributes.schemas.name] = .array(
      ([schema.core] + schema.extensions.filter { kept[$0.id] != nil }).map { .string($0.id) })
    return kept
  }

  private static func stillValid(_ attributes: JSONObject, in schemaExtension: SchemaDefinition) -> JSONObject {
    var still = JSONObject()
    for member in attributes {
      guard let definition = schemaExtension.attribute(named: member.key) else { continue }
      do throws(InvalidValue) {
        if let value = try AttributeReader.value(member.value, of: definition) {
          still[definition.name] = value
        }
      } catch {
        // The attribute had another type.
        continue
      }
    }
    return still
  }

  func checkSchemas(_ sent: JSON?) throws(SCIMError) {
    guard let sent, case .array(let uris) = sent, !uris.isEmpty else {
      throw .badRequest(.invalidValue, "schemas must be an array that holds \(schema.core.id), found \(sent?.summary ?? "nothing").")
    }
    guard uris.contains(where: { $0.string.map { AttributeName.equal($0, schema.core.id) } ?? false }) else {
      throw .badRequest(.invalidValue, "schemas must hold \(schema.core.id), which a \(schema.name) has its attributes from.")
    }
    for uri in uris {
      guard let text = uri.string else { throw .badRequest(.invalidValue, "schemas must hold URIs, found \(uri.summary).") }
      guard AttributeName.equal(text, schema.core.id) || schema.schemaExtension(text) != nil else {
        let known = ([schema.core] + schema.extensions).map(\.id).joined(separator: ", ")
        throw .badRequest(.invalidValue, "schemas holds \(text), which a \(schema.name) here does not have. It has \(known).")
      }
    }
  }

  func twice(_ name: String) -> SCIMError {
    .badRequest(.invalidSyntax, "\(name) is there twice. Attribute names have no case, and each may be there once.")
  }
}

extension AttributeDefinition {
  /// Whether values that a client sends are stored. Read-only values are ignored (RFC 7644 §3.5.1); write-only ones, such as `password`,
  /// are accepted and discarded.
  var isStored: Bool { mutability != .readOnly && mutability != .writeOnly }
}
