/// A PATCH that disables a user is applied as far as it can be: an attribute that nobody here knows, or a value of another type, must not
/// keep somebody's access alive.
extension Patch {
  /// Whether `active` is false after all operations.
  public var deactivates: Bool { operations.reduce(false) { $1.leavesInactive ?? $0 } }

  /// The operations of a message that can be applied to some user, and what is left out of it; nil unless those set `active` to false.
  public init?(deactivating normalised: Normaliser.Normalised, schema: ResourceSchema, isStrict: Bool) {
    guard let message = normalised.json.object, case .array(let sent)? = message.value(forAttribute: "Operations") else { return nil }
    var operations: [Operation] = []
    var unapplied: [UnappliedChange] = []
    for (index, json) in sent.enumerated() {
      do throws(SCIMError) {
        let operation = try Operation(json, path: index < normalised.paths.count ? normalised.paths[index] : nil)
        for part in operation.separated(by: schema) {
          do throws(SCIMError) {
            try part.check(against: schema)
            if isStrict { try part.rejectNonstandardForms(of: schema) }
            operations.append(part)
          } catch {
            unapplied.append(UnappliedChange(path: part.target ?? "Operations[\(index)]", error.inOperation(index)))
          }
        }
      } catch {
        unapplied.append(UnappliedChange(path: "Operations[\(index)]", error.inOperation(index)))
      }
    }
    self.init(operations: operations)
    self.unapplied = unapplied
    guard deactivates else { return nil }
  }

  /// Notes what else of the message is left out.
  public mutating func addUnapplied(_ change: UnappliedChange) { unapplied.append(change) }

  /// The message with those operations alone that name `active`, the last of them; nil where there is none.
  ///
  /// - Parameter maximum: How many.
  public static func operationsOnActive(of message: JSON, maximum: Int) -> JSON? {
    guard case .object(var object) = message, let sent = object.value(forAttribute: "Operations")?.array else { return nil }
    let named = sent.filter { operation in
      guard let operation = operation.object else { return false }
      if let path = operation.value(forAttribute: "path")?.string { return AttributePath(path)?.isActive ?? false }
      return operation.value(forAttribute: "value")?.object?.contains { AttributePath($0.key)?.isActive ?? false } ?? false
    }
    guard !named.isEmpty else { return nil }
    object.setValue(.array(named.suffix(maximum)), forAttribute: "Operations")
    return .object(object)
  }

  /// The user after those operations that can be carried out, `active` false among them, and what could not be done.
  public func partiallyApplied(
    to document: UserDocument, schemas: ResourceSchemas
  ) -> (document: UserDocument, unapplied: [UnappliedChange]) {
    var application = PatchApplication(document.attributes, schema: schemas.user)
    var unapplied = self.unapplied
    for (index, operation) in operations.enumerated() {
      for part in operation.separated(by: schemas.user) {
        do throws(SCIMError) {
          try application.apply(part)
        } catch {
          unapplied.append(UnappliedChange(path: part.target ?? "Operations[\(index)]", error.inOperation(index)))
        }
      }
    }
    let (changed, kept) = application.partialResult(keeping: document.attributes)
    return (UserDocument(patched: changed, schemas: schemas).settingActive(false), unapplied + kept)
  }
}

extension Patch.Operation {
  /// Whether `active` is false after the operation; nil where it says nothing of it.
  fileprivate var leavesInactive: Bool? {
    guard let path, !(path.attribute.asSchemaURI.map { AttributeName.equal($0, SchemaDefinition.userID) } ?? false) else {
      return value?.object.flatMap(Self.leavesInactive)
    }
    guard path.filter == nil, path.attribute.isActive else { return nil }
    return kind != .remove && value == .bool(false)
  }

  private static func leavesInactive(_ attributes: JSONObject) -> Bool? {
    var isInactive: Bool?
    for member in attributes {
      if AttributePath(member.key)?.isActive ?? false {
        isInactive = member.value == .bool(false)
      } else if AttributeName.equal(member.key, SchemaDefinition.userID), let inner = member.value.object {
        isInactive = leavesInactive(inner) ?? isInactive
      }
    }
    return isInactive
  }

  /// An operation without a path as one for each attribute in its value.
  fileprivate func separated(by schema: ResourceSchema) -> [Patch.Operation] {
    guard path == nil, let attributes = value?.object else { return [self] }
    return attributes.flatMap { member -> [Patch.Operation] in
      let isSchema = AttributeName.equal(member.key, schema.core.id) || schema.schemaExtension(member.key) != nil
      guard isSchema, let inner = member.value.object else { return [with(.object([member.key: member.value]))] }
      return inner.map { with(.object([member.key: .object([$0.key: $0.value])])) }
    }
  }

  private func with(_ value: JSON) -> Patch.Operation { Patch.Operation(kind: kind, path: nil, value: value) }

  /// What one operation changes, as an admin is told; nil where it says nothing.
  fileprivate var target: String? {
    if let path { return "\(path)" }
    guard let member = value?.object?.members.first else { return nil }
    guard member.key.contains(":"), let inner = member.value.object?.members.first else { return member.key }
    return "\(member.key):\(inner.key)"
  }
}

extension AttributePath {
  /// Whether it is `active` of a user.
  fileprivate var isActive: Bool {
    AttributeName.equal(attribute, "active") && subAttribute == nil
      && (schema.map { AttributeName.equal($0, SchemaDefinition.userID) } ?? true)
  }
}

extension PatchApplication {
  /// The resource as it is now, in canonical form, with the stored values of attributes that are not valid.
  fileprivate func partialResult(keeping stored: JSONObject) -> (resource: JSONObject, unapplied: [UnappliedChange]) {
    var kept = self
    var unapplied: [UnappliedChange] = []
    for key in changed {
      var probe = stored
      probe[key] = resource[key]
      do throws(SCIMError) {
        _ = try ResourceReader(schema: schema).reread(probe, changed: [key])
        try schema.checkImmutables(before: stored, after: probe)
      } catch {
        kept.restore(key, from: stored)
        unapplied.append(UnappliedChange(path: key, error))
      }
    }
    do throws(SCIMError) {
      return (try kept.result(), unapplied)
    } catch {
      return (stored, [UnappliedChange(path: "Operations", error)])
    }
  }
}
