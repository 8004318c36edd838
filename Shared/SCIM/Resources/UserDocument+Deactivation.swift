// A PUT that disables a user is applied as far as possible; see `UnappliedChange`.
extension UserDocument {
  /// Whether a PUT with this body sets `active` to false.
  public static func deactivates(_ body: JSON) -> Bool {
    guard let attributes = body.object else { return false }
    if let active = attributes.value(forAttribute: "active") { return active == .bool(false) }
    return attributes.value(forAttribute: SchemaDefinition.userID).map(deactivates) ?? false
  }

  /// Creates the document of a command that disables a user from an invalid body: the valid attributes, and the list of the others.
  ///
  /// - Parameters:
  ///   - body: The body of the PUT.
  ///   - schemas: The schemas of the workspace.
  ///   - isStrict: Whether unknown attributes are invalid.
  ///   - error: The error of the body.
  /// - Returns: The document as JSON text; nil unless the body sets `active` to false.
  public static func deactivation(of body: JSON, schemas: ResourceSchemas, isStrict: Bool, after error: SCIMError) -> [UInt8]? {
    guard deactivates(body), let sent = body.object else { return nil }
    let reader = ResourceReader(schema: schemas.user)
    var partial = reader.readPartially(sent)
    if isStrict { partial.unapplied += schemas.user.unknownAttributes(in: sent) }
    if partial.unapplied.isEmpty {
      // The attributes are invalid only in combination, so none of them is applied.
      partial.unapplied = partial.attributes.keys.filter { $0 != CommonAttributes.schemas.name && $0 != "active" }.map {
        UnappliedChange(path: $0, error)
      }
      partial.attributes = [CommonAttributes.schemas.name: [.string(schemas.user.core.id)], "active": false]
    }
    return UnappliedChange.appending(partial.unapplied, to: partial.attributes.serialized())
  }

  /// Applies a PUT that disables this user as far as possible.
  ///
  /// - Parameters:
  ///   - command: A document, possibly from ``deactivation(of:schemas:isStrict:after:)``.
  ///   - schemas: The schemas of the workspace.
  /// - Returns: The disabled user, and the changes that were not applied.
  public func partiallyReplaced(
    by command: JSON, schemas: ResourceSchemas
  ) -> (document: UserDocument, unapplied: [UnappliedChange]) {
    let reader = ResourceReader(schema: schemas.user)
    var unapplied = UnappliedChange.list(in: command)
    var partial = reader.readPartially(command.object ?? JSONObject())
    let known = Set(unapplied.map(\.path))
    unapplied += partial.unapplied.filter { !known.contains($0.path) }
    for change in unapplied { schemas.user.copy(change.path, from: attributes, to: &partial.attributes) }
    for location in schemas.user.immutables {
      guard let old = location.value(in: attributes) else { continue }
      if let new = location.value(in: partial.attributes), new != old {
        unapplied.append(UnappliedChange(path: location.description, .immutable(location, new)))
      }
      location.set(old, in: &partial.attributes)
    }
    partial.attributes[CommonAttributes.schemas.name] = [.string(schemas.user.core.id)]
    do throws(SCIMError) {
      let document = UserDocument(patched: try reader.read(.object(partial.attributes)), schemas: schemas)
      return (document.settingActive(false), unapplied)
    } catch {
      // The combination of sent and stored values is invalid.
      return (settingActive(false), unapplied + [UnappliedChange(path: "*", error)])
    }
  }

  /// Returns this user with the value that `other` has for a top-level attribute.
  public func keeping(_ attribute: String, of other: UserDocument, schemas: ResourceSchemas) -> UserDocument {
    var kept = attributes
    schemas.user.copy(attribute, from: other.attributes, to: &kept)
    do throws(SCIMError) {
      return UserDocument(patched: try ResourceReader(schema: schemas.user).reread(kept, changed: []), schemas: schemas)
    } catch {
      return other.settingActive(active)
    }
  }
}

extension ResourceSchema {
  /// Copies an attribute or an extension from one resource to another. Other paths copy nothing.
  fileprivate func copy(_ path: String, from stored: JSONObject, to resource: inout JSONObject) {
    switch AttributePath(path).flatMap({ resolve($0) }) {
    case .attribute(let location, _)?: location.set(location.value(in: stored), in: &resource)
    case .schemaExtension(let schemaExtension)?: resource[schemaExtension.id] = stored[schemaExtension.id]
    case .resource?, nil: break
    }
  }
}

extension ResourceReader {
  /// The valid attributes of a resource, and the errors of the others.
  struct Partial {
    var attributes: JSONObject
    var unapplied: [UnappliedChange] = []
  }

  func readPartially(_ sent: JSONObject) -> Partial {
    var partial = Partial(attributes: [CommonAttributes.schemas.name: [.string(schema.core.id)]])
    do throws(SCIMError) {
      try checkSchemas(sent.value(forAttribute: CommonAttributes.schemas.name))
    } catch {
      partial.unapplied.append(UnappliedChange(path: CommonAttributes.schemas.name, error))
    }
    readPartially(sent, into: &partial)
    for definition in schema.required
    where partial.attributes[definition.name] == nil && !partial.unapplied.contains(where: { $0.path == definition.name }) {
      partial.unapplied.append(
        UnappliedChange(path: definition.name, detail: "\(definition.name) is required for a \(schema.name) and is missing."))
    }
    return partial
  }

  private func readPartially(_ sent: JSONObject, into partial: inout Partial) {
    for member in sent {
      if let index = schema.topLevelIndex(of: member.key) {
        let definition = schema.topLevel[index]
        guard definition.isStored, definition.name != CommonAttributes.schemas.name else { continue }
        if partial.attributes[definition.name] == nil {
          partial.read(member.value, at: AttributeLocation(schemaExtension: nil, definition: definition))
        } else {
          partial.attributes[definition.name] = nil
          partial.unapplied.append(UnappliedChange(path: definition.name, twice(definition.name)))
        }
      } else if let schemaExtension = schema.schemaExtension(member.key) {
        readPartially(member.value, of: schemaExtension, into: &partial)
      } else if AttributeName.equal(member.key, schema.core.id), case .object(let attributes) = member.value {
        readPartially(attributes, into: &partial)
      }
    }
  }

  private func readPartially(_ value: JSON, of schemaExtension: SchemaDefinition, into partial: inout Partial) {
    guard value != .null else { return }
    let id = schemaExtension.id
    guard case .object(let sent) = value else {
      return partial.unapplied.append(
        UnappliedChange(path: id, detail: "\(id) must be an object with the attributes of that schema, found \(value.summary)."))
    }
    for definition in schemaExtension.attributes where definition.isStored {
      guard let value = sent.value(forAttribute: definition.name) else { continue }
      partial.read(value, at: AttributeLocation(schemaExtension: id, definition: definition))
    }
    let present = partial.attributes[id]?.object ?? JSONObject()
    guard !present.isEmpty, let missing = schemaExtension.attributes.first(where: { $0.isRequired && present[$0.name] == nil }) else {
      return
    }
    partial.attributes[id] = nil
    partial.unapplied.append(UnappliedChange(path: id, detail: "\(id):\(missing.name) is required and missing."))
  }
}

extension ResourceReader.Partial {
  fileprivate mutating func read(_ value: JSON, at location: AttributeLocation) {
    do throws(InvalidValue) {
      if let read = try AttributeReader.value(value, of: location.definition) { location.set(read, in: &attributes) }
    } catch {
      unapplied.append(UnappliedChange(path: location.description, error.error(at: location.description)))
    }
  }
}
