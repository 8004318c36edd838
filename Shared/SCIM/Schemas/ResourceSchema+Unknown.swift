/// Attributes that no schema has. A PATCH that names one is refused: applied without it, it would succeed and not do what it asks for.
/// In a POST or PUT they are left out (RFC 7644 §3.3 permits it), since clients send attributes of their own; the strict profile refuses
/// them there as well.
extension ResourceSchema {
  /// - Throws: `invalidSyntax` that names the first attribute in the resource which the schemas do not have.
  public func rejectUnknownAttributes(in resource: JSON) throws(SCIMError) {
    guard let object = resource.object, let path = unknownPath(in: object) else { return }
    throw .badRequest(.invalidSyntax, unknown(path))
  }

  /// - Throws: `invalidPath` that names the first attribute in the operation's value which the schemas do not have.
  func rejectUnknownAttributes(in operation: Patch.Operation) throws(SCIMError) {
    guard let value = operation.value, let path = unknownPath(in: value, at: operation.path) else { return }
    throw .badRequest(.invalidPath, unknown(path))
  }

  /// The members of a resource that the schemas do not have, or that have parts which they do not have.
  func unknownAttributes(in resource: JSONObject) -> [UnappliedChange] {
    resource.compactMap { member in
      unknownPath(in: [member.key: member.value]).map { UnappliedChange(path: $0, detail: unknown($0)) }
    }
  }

  /// Says that the schemas have no attribute `path`, and which names are close to it.
  func unknown(_ path: String) -> String {
    let close = namesClose(to: path)
    let question = close.isEmpty ? "" : " Did you mean \(close.joined(separator: " or "))?"
    return "\(SecretText.shown(path).prefix(200)) is no attribute of a \(name).\(question) The attributes are listed at /Schemas."
  }

  /// Up to three attributes whose names differ from the path's by two letters at most, as the client would write them.
  private func namesClose(to path: String) -> [String] {
    // The filter of a path is no part of a name.
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

  /// Some clients repeat `schemas` in an extension's object, where it asks for nothing.
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
