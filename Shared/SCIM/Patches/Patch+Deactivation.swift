// A PATCH that disables a user is applied as far as possible: an unknown attribute or an invalid value must not keep a user's access alive.
extension Patch {
  /// Whether `active` is false after all operations.
  public var deactivates: Bool { operations.reduce(false) { $1.leavesInactive ?? $0 } }

  /// Reads the valid operations of a message that disables a user; ``unapplied`` lists the others.
  ///
  /// - Parameters:
  ///   - normalised: The message.
  ///   - schema: The schema of users.
  ///   - isStrict: Whether nonstandard forms are invalid; see ``rejectNonstandardForms(of:)``.
  /// - Returns: nil unless the valid operations set `active` to false.
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

  /// Adds a change that is not applied.
  public mutating func addUnapplied(_ change: UnappliedChange) { unapplied.append(change) }

  /// Reduces a message to its last operations on `active`; nil if there are none.
  ///
  /// - Parameters:
  ///   - message: A PatchOp message.
  ///   - maximum: The maximum number of operations.
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

  /// Applies the operations as far as possible, and disables the user. Returns the user and the changes that were not applied.
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
  /// Whether `active` is false after the operation; nil if the operation does not set it.
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

  /// Splits an operation without a path into one per attribute of its value.
  fileprivate func separated(by schema: ResourceSchema) -> [Patch.Operation] {
    guard path == nil, let attributes = value?.object else { return [self] }
    return attributes.flatMap { member -> [Patch.Operation] in
      let isSchema = AttributeName.equal(member.key, schema.core.id) || schema.schemaExtension(member.key) != nil
      guard isSchema, let inner = member.value.object else { return [with(.object([member.key: member.value]))] }
      return inner.map { with(.object([member.key: .object([$0.key: $0.value])])) }
    }
  }

  private func with(_ value: JSON) -> Patch.Operation { Patch.Operation(kind: kind, path: nil, value: value) }

  /// The changed attribute, for the list of unapplied changes.
  fileprivate var target: String? {
    if let path { return "\(path)" }
    guard let member = value?.object?.members.first else { return nil }
    guard member.key.contains(":"), let inner = member.value.object?.members.first else { return member.key }
    return "\(member.key):\(inner.key)"
  }
}

extension AttributePath {
  /// Whether the path is `active` of a user.
  fileprivate var isActive: Bool {
    AttributeName.equal(attribute, "active") && subAttribute == nil
      && (schema.map { AttributeName.equal($0, SchemaDefinition.userID) } ?? true)
  }
}

extension PatchApplication {
  /// The resource in canonical form, with the stored values of attributes that are invalid.
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
