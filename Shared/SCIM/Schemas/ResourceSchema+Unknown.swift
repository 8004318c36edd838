/// Attributes that no schema has. They are left out as a rule, since clients send attributes of their own; a client that asked for
/// strictness is told of them.
extension ResourceSchema {
  /// - Throws: `invalidSyntax` that names the first attribute in the resource which the schemas do not have.
  public func refuseUnknown(in resource: JSON) throws(SCIMError) {
    guard let object = resource.object, let path = unknownPath(in: object) else { return }
    throw .badRequest(.invalidSyntax, "\(path) is no attribute of a \(name). The attributes are listed at /Schemas.")
  }

  /// - Throws: `invalidPath` that names the first attribute which the schemas do not have, with the number of the operation.
  public func refuseUnknown(in patch: Patch) throws(SCIMError) {
    for (index, operation) in patch.operations.enumerated() {
      guard let value = operation.value, let path = unknownPath(in: value, at: operation.path) else { continue }
      throw SCIMError.badRequest(.invalidPath, "\(path) is no attribute of a \(name). The attributes are listed at /Schemas.")
        .inOperation(index)
    }
  }

  private func unknownPath(in value: JSON, at path: PatchPath?) -> String? {
    guard let path else { return value.object.flatMap { unknownPath(in: $0) } }
    switch resolve(path.attribute) {
    case .attribute(let location, nil)?: return unknownPath(in: value, of: location.definition, at: "\(path)")
    case .schemaExtension(let schemaExtension)?:
      return value.object.flatMap { unknownPath(in: $0, of: schemaExtension.attributes, under: schemaExtension.id + ":") }
    case .resource?: return value.object.flatMap { unknownPath(in: $0) }
    case .attribute?, nil: return nil
    }
  }

  private func unknownPath(in resource: JSONObject) -> String? {
    for member in resource {
      if let definition = attribute(named: member.key) {
        if let path = unknownPath(in: member.value, of: definition, at: definition.name) { return path }
      } else if let schemaExtension = schemaExtension(member.key) {
        guard let attributes = member.value.object else { continue }
        if let path = unknownPath(in: attributes, of: schemaExtension.attributes, under: schemaExtension.id + ":") { return path }
      } else if AttributeName.equal(member.key, core.id), let attributes = member.value.object {
        if let path = unknownPath(in: attributes) { return path }
      } else if AttributePath(member.key).flatMap({ resolve($0) }) == nil {
        return member.key
      }
    }
    return nil
  }

  private func unknownPath(in value: JSON, of definition: AttributeDefinition, at path: String) -> String? {
    guard definition.type == .complex else { return nil }
    for element in value.array ?? [value] {
      guard let parts = element.object else { continue }
      if let path = unknownPath(in: parts, of: definition.subAttributes, under: path + ".") { return path }
    }
    return nil
  }

  private func unknownPath(in attributes: JSONObject, of definitions: [AttributeDefinition], under parent: String) -> String? {
    for member in attributes {
      guard let definition = definitions.first(where: { AttributeName.equal($0.name, member.key) }) else { return parent + member.key }
      if let path = unknownPath(in: member.value, of: definition, at: parent + definition.name) { return path }
    }
    return nil
  }
}
