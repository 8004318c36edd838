extension Patch {
  /// Applies all operations to a user.
  ///
  /// - Throws: `invalidPath`, `noTarget`, `mutability` or `invalidValue`, with the number of the operation.
  public func applied(to document: UserDocument, schemas: ResourceSchemas) throws(SCIMError) -> UserDocument {
    var application = PatchApplication(document.attributes, schema: schemas.user)
    for (index, operation) in operations.enumerated() {
      do throws(SCIMError) {
        try application.apply(operation)
      } catch {
        throw error.inOperation(index)
      }
    }
    let changed = try UserDocument(patched: application.result(), schemas: schemas)
    try schemas.user.checkImmutables(before: document.attributes, after: changed.attributes)
    return changed
  }

  /// Checks what does not depend on a resource: unknown attributes, read-only targets, and removals without a clear target.
  ///
  /// - Throws: `invalidPath`, `invalidValue` or `mutability`, with the number of the operation.
  public func check(against schema: ResourceSchema) throws(SCIMError) {
    for (index, operation) in operations.enumerated() {
      do throws(SCIMError) {
        try operation.check(against: schema)
      } catch {
        throw error.inOperation(index)
      }
    }
  }

  /// Rejects forms that the engine accepts in addition to the RFCs; for the strict profile.
  ///
  /// - Throws: `invalidValue`, with the number of the operation.
  public func rejectNonstandardForms(of schema: ResourceSchema) throws(SCIMError) {
    for (index, operation) in operations.enumerated() {
      do throws(SCIMError) {
        try operation.rejectNonstandardForms(of: schema)
      } catch {
        throw error.inOperation(index)
      }
    }
  }

  /// The values of `userName` and `displayName` in the operations: the names that the result can have.
  public var mentionedNames: [String] {
    operations.flatMap { operation -> [String] in
      guard let path = operation.path else { return operation.value?.object.map(Self.names(in:)) ?? [] }
      guard Self.isName(path.attribute) else { return operation.value?.object.map(Self.names(in:)) ?? [] }
      return operation.value?.string.map { [$0] } ?? []
    }
  }

  /// Whether an operation is about an attribute or a part of it.
  public func mentions(_ attribute: String) -> Bool {
    operations.contains { operation in
      if let path = operation.path, AttributeName.equal(path.attribute.attribute, attribute) { return true }
      return operation.value?.object.map { Self.mentions(attribute, in: $0) } ?? false
    }
  }

  private static func mentions(_ attribute: String, in attributes: JSONObject) -> Bool {
    attributes.contains { member in
      if let path = AttributePath(member.key), AttributeName.equal(path.attribute, attribute) { return true }
      return member.value.object.map { mentions(attribute, in: $0) } ?? false
    }
  }

  /// The addresses in the operations: the texts of `emails`.
  public var mentionedAddresses: [String] { texts(of: "emails") }

  /// The values of `externalId` in the operations.
  public var mentionedExternalIDs: [String] { texts(of: "externalId") }

  /// All strings in the values of an attribute.
  private func texts(of attribute: String) -> [String] {
    operations.flatMap { operation -> [String] in
      if let path = operation.path, AttributeName.equal(path.attribute.attribute, attribute) {
        return operation.value.map(Self.texts(in:)) ?? []
      }
      return operation.value?.object.map { Self.texts(of: attribute, in: $0) } ?? []
    }
  }

  private static func texts(of attribute: String, in attributes: JSONObject) -> [String] {
    attributes.flatMap { member -> [String] in
      if let path = AttributePath(member.key), AttributeName.equal(path.attribute, attribute) { return texts(in: member.value) }
      return member.value.object.map { texts(of: attribute, in: $0) } ?? []
    }
  }

  private static func texts(in value: JSON) -> [String] {
    switch value {
    case .string(let text): [text]
    case .array(let values): values.flatMap(texts(in:))
    case .object(let object): object.flatMap { texts(in: $0.value) }
    default: []
    }
  }

  private static func names(in attributes: JSONObject) -> [String] {
    attributes.flatMap { member -> [String] in
      guard let path = AttributePath(member.key), isName(path) else { return member.value.object.map(names(in:)) ?? [] }
      return member.value.string.map { [$0] } ?? []
    }
  }

  private static func isName(_ path: AttributePath) -> Bool {
    path.subAttribute == nil && (AttributeName.equal(path.attribute, "userName") || AttributeName.equal(path.attribute, "displayName"))
  }
}

extension Patch.Operation {
  func check(against schema: ResourceSchema) throws(SCIMError) {
    if let path {
      switch try schema.target(of: path) {
      case .attribute(let target): if kind == .remove { try target.checkRemoval(of: value) }
      case .schemaExtension: if kind == .remove, let value, value != .null { throw .removalTakesNoValue(path) }
      case .resource: break
      }
    }
    try schema.rejectUnknownAttributes(in: self)
  }

  /// Rejects a value in a removal (RFC 7644 §3.5.2.2) and text instead of a complex value (§3.5.2.3).
  func rejectNonstandardForms(of schema: ResourceSchema) throws(SCIMError) {
    guard let value else { return }
    guard let path else { return try schema.rejectText(in: value) }
    if kind == .remove, value != .null { throw .removalTakesNoValue(path) }
    guard path.filter == nil else { return }
    try schema.rejectText(in: .object(JSONObject(uncheckedMembers: [JSONObject.Member(key: "\(path)", value: value)])))
  }
}

extension ResourceSchema {
  /// Rejects text as the value of a complex multi-valued attribute.
  fileprivate func rejectText(in attributes: JSON) throws(SCIMError) {
    for member in attributes.object ?? JSONObject() {
      switch AttributePath(member.key).flatMap({ resolve($0) }) {
      case .attribute(let location, nil)?: try location.rejectText(member.value)
      case .schemaExtension(let schemaExtension)?:
        for inner in member.value.object ?? JSONObject() {
          guard let definition = schemaExtension.attribute(named: inner.key) else { continue }
          try AttributeLocation(schemaExtension: schemaExtension.id, definition: definition).rejectText(inner.value)
        }
      case .resource?: try rejectText(in: member.value)
      case .attribute?, nil: break
      }
    }
  }
}

extension AttributeLocation {
  fileprivate func rejectText(_ value: JSON) throws(SCIMError) {
    guard definition.principalValue != nil, case .string = value else { return }
    throw .badRequest(.invalidValue, "\(description) must be an array of objects, found \(value.summary).")
  }
}

extension SCIMError {
  fileprivate static func removalTakesNoValue(_ path: PatchPath) -> SCIMError {
    .badRequest(
      .invalidValue,
      """
      \(path): a remove operation has no value (RFC 7644 §3.5.2.2). Select what to remove in the path, as in \
      emails[value eq "ana@example.com"].
      """)
  }

  func inOperation(_ index: Int) -> SCIMError {
    SCIMError(status: status, scimType: scimType, detail: "Operations[\(index)]: \(detail)")
  }
}
