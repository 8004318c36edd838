extension Patch {
  /// The user after all operations; as it was where one of them can't be carried out.
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

  /// Finds what can't hold for any user: paths that the schema does not have, read-only targets.
  ///
  /// - Throws: `invalidPath` or `mutability`, with the number of the operation.
  public func check(against schema: ResourceSchema) throws(SCIMError) {
    for (index, operation) in operations.enumerated() {
      guard let path = operation.path else { continue }
      do throws(SCIMError) {
        _ = try schema.target(of: path)
      } catch {
        throw error.inOperation(index)
      }
    }
  }

  /// The values for `userName` and `displayName` that operations carry: the names that the result may have.
  public var mentionedNames: [String] {
    operations.flatMap { operation -> [String] in
      guard let path = operation.path else { return operation.value?.object.map(Self.names(in:)) ?? [] }
      guard Self.isName(path.attribute) else { return operation.value?.object.map(Self.names(in:)) ?? [] }
      return operation.value?.string.map { [$0] } ?? []
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

extension SCIMError {
  func inOperation(_ index: Int) -> SCIMError {
    SCIMError(status: status, scimType: scimType, detail: "Operations[\(index)]: \(detail)")
  }
}
