// Attributes that the schemas do not have. A PATCH that names one is rejected, because it would succeed without effect. A POST or PUT ignores
// them (RFC 7644 §3.3 permits it), because clients send attributes of their own; the strict profile rejects them there as well.
extension ResourceSchema {
  /// Rejects a resource with unknown attributes.
  ///
  /// - Throws: `invalidSyntax` with the first attribute that the schemas do not have.
  public func rejectUnknownAttributes(in resource: JSON) throws(SCIMError) {
    guard let object = resource.object, let path = unknownPath(in: object) else { return }
    throw .badRequest(.invalidSyntax, unknown(path))
  }

  /// Rejects an operation whose value has unknown attributes.
  ///
  /// - Throws: `invalidPath` with the first attribute that the schemas do not have.
  func rejectUnknownAttributes(in operation: Patch.Operation) throws(SCIMError) {
    guard let value = operation.value, let path = unknownPath(in: value, at: operation.path) else { return }
    throw .badRequest(.invalidPath, unknown(path))
  }

  /// The members of a resource that are unknown attributes or have unknown sub-attributes.
  func unknownAttributes(in resource: JSONObject) -> [UnappliedChange] {
    resource.compactMap { member in
      unknownPath(in: [member.key: member.value]).map { UnappliedChange(path: $0, detail: unknown($0)) }
    }
  }

  /// The error detail for an unknown attribute, with similar names.
  func unknown(_ path: String) -> String {
    let close = namesClose(to: path)
    let question = close.isEmpty ? "" : " Did you mean \(close.joined(separator: " or "))?"
    return "\(SecretText.shown(path).prefix(200)) is no attribute of a \(name).\(question) The attributes are listed at /Schemas."
  }

  /// Up to three similar attribute names, as paths.
  private func namesClose(to path: String) -> [String] {
    // Remove the value filter.
    let name = path.prefix { $0 != "[" } + (path.lastIndex(of: "]").map { path[path.index(after: $0)...] } ?? "")
    guard name.utf8.count <= 300, let sent = AttributePath(String(name)) else { return [] }
    let container = sent.schema.flatMap { schemaExtension($0) }
    guard container != nil || sent.schema.map({ AttributeName.equal($0, core.id) }) ?? true else { return [] }
    let definition = container.map { $0.attribute(named: sent.attribute) } ?? attribute(named: sent.attribute)
    if let definition, let part = sent.subAttribute {
      return AttributeName.closest(to: part, among: definition.subAttributes.map(\.name)).map { "\(sent.parent).\($0)" }
    }
    let prefix = sent.schema.map { "\($0):" } ?? ""
    return AttributeName.closest(to: sent.attribute, among: (container?.attributes ?? topLevel).map(\.name)).map { prefix + $0 }
  }

  private func unknownPath(in value: JSON, at path: PatchPath?) -> String? {
    guard let path else { return value.object.flatMap { unknownPath(in: $0) } }
    switch resolve(path.attribute) {
    case .attribute(let location, nil)?: return unknownPath(in: value, of: location.definition, at: "\(path)")
    case .schemaExtension(let schemaExtension)?:
      return value.object.flatMap { unknownPath(in: $0, of: schemaExtension) }
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
        if let path = unknownPath(in: attributes, of: schemaExtension) { return path }
      } else if AttributeName.equal(member.key, core.id), let attributes = member.value.object {
        if let path = unknownPath(in: attributes) { return path }
      } else if AttributePath(member.key).flatMap({ resolve($0) }) == nil {
        return member.key
      }
    }
    return nil
  }

  /// Some clients repeat `schemas` in an extension's object, where it has no meaning.
  private func unknownPath(in attributes: JSONObject, of schemaExtension: SchemaDefinition) -> String? {
    let members = attributes.members.filter { !AttributeName.equal($0.key, CommonAttributes.schemas.name) }
    return unknownPath(
      in: JSONObject(uncheckedMembers: members), of: schemaExtension.attributes, under: schemaExtension.id + ":")
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
