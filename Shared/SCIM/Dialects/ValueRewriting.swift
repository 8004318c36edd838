/// Applies a rewriting of values to every attribute of a resource, or to what an operation of a PATCH carries.
struct ValueRewriting {
  let rewrite: @Sendable (JSON, Normalisation.Place) -> JSON?

  /// nil where nothing was rewritten.
  func rewritten(_ object: JSONObject, of schema: ResourceSchema) -> JSONObject? {
    rewritten(object) { key, value in
      guard let path = AttributePath(key) else { return nil }
      switch schema.resolve(path) {
      case .attribute(let location, let subAttribute)?: return self.rewritten(value, of: subAttribute ?? location.definition)
      case .schemaExtension(let schemaExtension)?:
        return value.object.flatMap { attributes in
          self.rewritten(attributes) { name, value in schemaExtension.attribute(named: name).flatMap { self.rewritten(value, of: $0) } }
        }.map(JSON.object)
      case .resource?: return value.object.flatMap { self.rewritten($0, of: schema) }.map(JSON.object)
      case nil: return nil
      }
    }
  }

  /// nil where nothing was rewritten.
  func rewritten(operation: JSONObject, of schema: ResourceSchema) -> JSONObject? {
    guard let value = operation.value(forAttribute: "value") else { return nil }
    var changed = operation
    guard let path = operation.patchPath else {
      guard operation.value(forAttribute: "path")?.string == nil, let object = value.object.flatMap({ rewritten($0, of: schema) }) else {
        return nil
      }
      changed.setValue(.object(object), forAttribute: "value")
      return changed
    }
    guard case .attribute(let location, let subAttribute)? = schema.resolve(path.attribute),
      let new = rewritten(value, of: subAttribute ?? location.definition, isElement: path.filter != nil)
    else { return nil }
    changed.setValue(new, forAttribute: "value")
    return changed
  }

  private func rewritten(_ value: JSON, of definition: AttributeDefinition, isElement: Bool = false) -> JSON? {
    // There can be a hundred thousand members, and providers agree on their form.
    guard definition.name != "members" else { return nil }
    let new = rewrite(value, Normalisation.Place(definition: definition, isElement: isElement))
    let current = new ?? value
    if case .array(let elements) = current, definition.isMultiValued, !isElement {
      var hasChanged = false
      let changed = elements.map { element in
        guard let element = rewritten(element, of: definition, isElement: true) else { return element }
        hasChanged = true
        return element
      }
      return hasChanged ? .array(changed) : new
    }
    guard case .object(let parts) = current, definition.type == .complex else { return new }
    let changed = rewritten(parts) { name, value in definition.subAttribute(named: name).flatMap { rewritten(value, of: $0) } }
    return changed.map(JSON.object) ?? new
  }

  private func rewritten(_ object: JSONObject, _ member: (String, JSON) -> JSON?) -> JSONObject? {
    var changed: JSONObject?
    for (index, entry) in object.members.enumerated() {
      guard let value = member(entry.key, entry.value) else { continue }
      var members = (changed ?? object).members
      members[index].value = value
      changed = JSONObject(uncheckedMembers: members)
    }
    return changed
  }
}

extension JSONObject {
  /// The path of an operation of a PATCH, where it has one that can be read.
  var patchPath: PatchPath? {
    guard let text = value(forAttribute: "path")?.string else { return nil }
    do throws(SCIMError) {
      return try PatchPath(parsing: text)
    } catch {
      // The engine will refuse it, with this error.
      return nil
    }
  }

  /// The `op` of an operation of a PATCH.
  var patchOp: String? { value(forAttribute: "op")?.string }

  /// The same operation with another path.
  func with(path: PatchPath) -> JSONObject {
    var copy = self
    copy.setValue(.string(path.description), forAttribute: "path")
    return copy
  }
}
