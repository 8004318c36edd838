extension Normalisation {
  /// Corrects extension attributes without the extension's URI, such as `department`: at the top level of a resource, in the path of a
  /// PATCH, or as a key of its value. Applies if the core schema has no such attribute and exactly one extension has.
  static let unqualifiedExtension = Normalisation(
    "unqualified-extension-attribute",
    envelope: { resource, schema in
      guard resource.contains(where: { schema.extensionMeant(by: $0.key) != nil }) else { return nil }
      var changed = JSONObject()
      var meant: [(member: JSONObject.Member, SchemaDefinition)] = []
      for member in resource {
        if let schemaExtension = schema.extensionMeant(by: member.key) {
          meant.append((member, schemaExtension))
        } else {
          changed.appendNew(member.key, member.value)
        }
      }
      for schemaExtension in schema.extensions {
        let named = meant.filter { $0.1.id == schemaExtension.id }.map(\.member)
        guard !named.isEmpty else { continue }
        var attributes = changed.value(forAttribute: schemaExtension.id)?.object ?? JSONObject()
        attributes.appendAttributes(named)
        changed.setValue(.object(attributes), forAttribute: schemaExtension.id)
      }
      return changed
    },
    operation: { operation, schema in
      if let path = operation.path {
        guard path.attribute.schema == nil, let schemaExtension = schema.extensionMeant(by: path.attribute.attribute) else { return nil }
        let qualified = AttributePath(
          schema: schemaExtension.id, attribute: path.attribute.attribute, subAttribute: path.attribute.subAttribute)
        return [operation.with(path: PatchPath(attribute: qualified, filter: path.filter))]
      }
      return operation.renamingKeysOfValue { key in
        guard let path = AttributePath(key), path.schema == nil, let schemaExtension = schema.extensionMeant(by: path.attribute) else {
          return nil
        }
        return "\(schemaExtension.id):\(path)"
      }.map { [$0] }
    })

  /// Corrects a role attribute below an unknown schema URI: providers send a custom attribute in the namespace that the admin declared.
  static let roleUnderOtherNamespace = Normalisation(
    "role-under-other-namespace",
    envelope: { resource, schema in
      guard let role = schema.roleAttribute, resource.value(forAttribute: role) == nil,
        let other = resource.members.firstIndex(where: { member in
          schema.isForeign(member.key) && member.value.object?.value(forAttribute: role) != nil
        }), let value = resource.members[other].value.object?.value(forAttribute: role)
      else { return nil }
      var changed = resource
      changed[role] = value
      return changed
    },
    operation: { operation, schema in
      guard let role = schema.roleAttribute else { return nil }
      if let path = operation.path {
        guard path.filter == nil, schema.isRole(path.attribute, below: role) else { return nil }
        return [operation.with(path: PatchPath(attribute: AttributePath(attribute: role)))]
      }
      if let raised = operation.raisingRole(role, of: schema) { return [raised] }
      return operation.renamingKeysOfValue { key in
        AttributePath(key).map { schema.isRole($0, below: role) } ?? false ? role : nil
      }.map { [$0] }
    })
}

extension RawPatchOperation {
  /// Moves the role from below an unknown schema URI to the top level of the value of an operation without a path; nil if there is none.
  fileprivate func raisingRole(_ role: String, of schema: ResourceSchema) -> RawPatchOperation? {
    guard pathText == nil, case .object(var attributes)? = value, attributes.value(forAttribute: role) == nil,
      let other = attributes.members.first(where: { member in
        schema.isForeign(member.key) && member.value.object?.value(forAttribute: role) != nil
      }), case .object(var rest) = other.value, let value = rest.removeValue(forAttribute: role)
    else { return nil }
    attributes[other.key] = rest.isEmpty ? nil : .object(rest)
    attributes[role] = value
    return with(value: .object(attributes))
  }
}

extension ResourceSchema {
  /// Returns the only extension with this attribute; nil if the core schema or several extensions have it.
  fileprivate func extensionMeant(by name: String) -> SchemaDefinition? {
    guard !extensions.isEmpty, attribute(named: name) == nil else { return nil }
    var meant: SchemaDefinition?
    for schemaExtension in extensions where schemaExtension.attribute(named: name) != nil {
      guard meant == nil else { return nil }
      meant = schemaExtension
    }
    return meant
  }

  /// Whether `key` is the URI of an unknown schema.
  fileprivate func isForeign(_ key: String) -> Bool {
    key.utf8.contains(UInt8(ascii: ":")) && !AttributeName.equal(key, core.id) && schemaExtension(key) == nil
  }

  /// Whether the path is the role attribute below the URI of an unknown schema.
  fileprivate func isRole(_ path: AttributePath, below role: String) -> Bool {
    guard let schema = path.schema, path.subAttribute == nil, AttributeName.equal(path.attribute, role) else { return false }
    return isForeign(schema)
  }
}

extension JSONObject {
  /// Appends attributes whose names are new, compared without case.
  fileprivate mutating func appendAttributes(_ new: [Member]) {
    var present = Set(keys.map(AttributeName.folded))
    for member in new where present.insert(AttributeName.folded(member.key)).inserted { appendNew(member.key, member.value) }
  }

  /// Renames keys, unless the new key exists; nil if no key changes.
  func renamingKeys(_ rename: (String) -> String?) -> JSONObject? {
    let names = members.map { rename($0.key) }
    guard names.contains(where: { $0 != nil }) else { return nil }
    let present = Set(keys)
    var hasChanged = false
    var renamed: [Member] = []
    renamed.reserveCapacity(count)
    // If two keys get the same name, the last value counts.
    var positions: [String: Int] = [:]
    for (member, name) in zip(members, names) {
      guard let name, !present.contains(name) else {
        renamed.append(member)
        continue
      }
      hasChanged = true
      if let position = positions[name] {
        renamed[position].value = member.value
      } else {
        positions[name] = renamed.count
        renamed.append(Member(key: name, value: member.value))
      }
    }
    return hasChanged ? JSONObject(uncheckedMembers: renamed) : nil
  }
}
