/// Converts requests of identity providers to the form of the RFCs.
public struct Normaliser: Sendable {
  private let normalisations: [Normalisation]
  private let schemas: ResourceSchemas

  /// Creates a normaliser for a request.
  ///
  /// - Parameters:
  ///   - profile: The profile of the connection.
  ///   - userAgent: The request's `User-Agent`, by which ``ConnectionProfile/auto`` recognises the sender.
  ///   - schemas: The schemas of the workspace.
  public init(profile: ConnectionProfile, userAgent: String?, schemas: ResourceSchemas = ResourceSchemas()) {
    normalisations = profile.recognised(userAgent: userAgent).normalisations
    self.schemas = schemas
  }

  /// A normalised request.
  public struct Normalised: Sendable, Hashable {
    /// The body of the request.
    public var json: JSON
    /// The names of the normalisations that changed the request.
    public var applied: [String]
    /// The parsed paths of the operations of a PatchOp message, so that they are not parsed again.
    var paths: [PatchPath?] = []
  }

  /// Normalises a User resource.
  public func user(_ json: JSON) -> Normalised { resource(json, schemas.user) }

  /// Normalises a Group resource.
  public func group(_ json: JSON) -> Normalised { resource(json, schemas.group) }

  /// Normalises a PatchOp message for a user.
  public func userPatch(_ json: JSON) -> Normalised { patch(json, schemas.user) }

  /// Normalises a PatchOp message for a group.
  public func groupPatch(_ json: JSON) -> Normalised { patch(json, schemas.group) }

  private func resource(_ json: JSON, _ schema: ResourceSchema) -> Normalised {
    guard case .object(var object) = json, !normalisations.isEmpty else { return Normalised(json: json, applied: []) }
    var valueNormaliser = ValueNormaliser(normalisations, schema)
    for (index, normalisation) in normalisations.enumerated() {
      guard let rewritten = normalisation.envelope?(object, schema) else { continue }
      object = rewritten
      valueNormaliser.applied.insert(index)
    }
    if let rewritten = valueNormaliser.rewritten(object) { object = rewritten }
    return Normalised(json: .object(object), applied: names(valueNormaliser.applied))
  }

  private func patch(_ json: JSON, _ schema: ResourceSchema) -> Normalised {
    guard case .object(var message) = json, !normalisations.isEmpty else { return Normalised(json: json, applied: []) }
    var valueNormaliser = ValueNormaliser(normalisations, schema)
    for (index, normalisation) in normalisations.enumerated() {
      guard let rewritten = normalisation.patchEnvelope?(message) else { continue }
      message = rewritten
      valueNormaliser.applied.insert(index)
    }
    var paths: [PatchPath?] = []
    // The engine rejects anything but an array of objects.
    if let sent = message.value(forAttribute: "Operations")?.array, sent.allSatisfy({ $0.object != nil }) {
      let operations = rewritten(sent.compactMap(\.object).map { RawPatchOperation($0) }, by: &valueNormaliser, schema)
      message.setValue(.array(operations.map { .object($0.object) }), forAttribute: "Operations")
      paths = operations.map(\.path)
    }
    return Normalised(json: .object(message), applied: names(valueNormaliser.applied), paths: paths)
  }

  private func names(_ applied: Set<Int>) -> [String] {
    applied.isEmpty ? [] : applied.sorted().map { normalisations[$0].name }
  }

  private func rewritten(
    _ operations: [RawPatchOperation], by valueNormaliser: inout ValueNormaliser, _ schema: ResourceSchema
  ) -> [RawPatchOperation] {
    var results: [RawPatchOperation] = []
    results.reserveCapacity(operations.count)
    for operation in operations {
      for rewritten in rewritten(operation, &valueNormaliser.applied, schema) {
        results.append(valueNormaliser.rewritten(rewritten) ?? rewritten)
      }
    }
    return results
  }

  private func rewritten(_ operation: RawPatchOperation, _ applied: inout Set<Int>, _ schema: ResourceSchema) -> [RawPatchOperation] {
    var operations = [operation]
    for (index, normalisation) in normalisations.enumerated() {
      guard let rewrite = normalisation.operation else { continue }
      for position in operations.indices.reversed() {
        guard let several = rewrite(operations[position], schema) else { continue }
        operations.replaceSubrange(position...position, with: several)
        applied.insert(index)
      }
    }
    return operations
  }
}
