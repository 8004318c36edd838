extension Patch {
  init(operations: [Operation]) {
    self.operations = operations
  }

  /// Returns the patch without the values of attributes that are never returned, such as `password`. They are not stored, so they should
  /// not reach messages and logs.
  public func withoutSecrets(of schema: ResourceSchema) -> Patch {
    let secrets = schema.core.attributes.filter { $0.returned == .never }.map(\.name)
    guard operations.contains(where: { $0.mentions(secrets) }) else { return self }
    var patch = Patch(operations: operations.map { $0.without(secrets) })
    patch.unapplied = unapplied
    return patch
  }
}

extension Patch.Operation {
  fileprivate func mentions(_ secrets: [String]) -> Bool {
    if let path { return path.attribute.isOne(of: secrets) }
    return value?.object.map { Self.mentions($0, secrets) } ?? false
  }

  /// Replaces secret values by a placeholder text.
  fileprivate func without(_ secrets: [String]) -> Patch.Operation {
    guard mentions(secrets) else { return self }
    if let path { return Patch.Operation(kind: kind, path: PatchPath(attribute: path.attribute), value: value.map { _ in Self.removed }) }
    return Patch.Operation(kind: kind, path: nil, value: value?.object.map { .object(Self.without($0, secrets)) } ?? value)
  }

  private static let removed = JSON.string("removed")

  /// Whether the value of an operation without a path has a secret attribute, at the top level or below a schema URI.
  private static func mentions(_ object: JSONObject, _ secrets: [String]) -> Bool {
    object.contains { member in
      AttributePath(member.key)?.isOne(of: secrets) ?? SecretText.isMentioned(in: member.key)
        || member.key.contains(":") && member.value.object.map { mentions($0, secrets) } ?? false
    }
  }

  private static func without(_ object: JSONObject, _ secrets: [String]) -> JSONObject {
    var rest = JSONObject()
    var keys: Set<String> = []
    for member in object {
      var (key, value) = (member.key, member.value)
      if let path = AttributePath(key) {
        if path.isOne(of: secrets) {
          value = removed
        } else if key.contains(":"), let inner = value.object {
          value = .object(without(inner, secrets))
        }
      } else if SecretText.isMentioned(in: key) {
        // The key is not an attribute name and will be rejected; it may contain the secret.
        (key, value) = (SecretText.shown(key), removed)
      } else if key.contains(":"), let inner = value.object {
        value = .object(without(inner, secrets))
      }
      if keys.insert(key).inserted { rest.appendNew(key, value) }
    }
    return rest
  }
}

extension AttributePath {
  fileprivate func isOne(of names: [String]) -> Bool { names.contains { AttributeName.equal($0, attribute) } }
}
