/// Brings what an identity provider sends into the form that the RFCs give it.
public struct Normaliser: Sendable {
  private let normalisations: [Normalisation]
  private let schemas: ResourceSchemas

  /// - Parameters:
  ///   - profile: The workspace's setting.
  ///   - userAgent: The request's `User-Agent`, by which `auto` recognises the sender.
  public init(profile: ConnectionProfile, userAgent: String?, schemas: ResourceSchemas = ResourceSchemas()) {
    normalisations = profile.recognised(userAgent: userAgent).normalisations
    self.schemas = schemas
  }

  /// A request in the form of the RFCs.
  public struct Normalised: Sendable, Hashable {
    public var json: JSON
    /// The names of the normalisations that found something to do.
    public var fired: [String]
  }

  /// A User resource.
  public func user(_ json: JSON) -> Normalised { resource(json, schemas.user) }

  /// A Group resource.
  public func group(_ json: JSON) -> Normalised { resource(json, schemas.group) }

  /// A PatchOp message for a user.
  public func userPatch(_ json: JSON) -> Normalised { patch(json, schemas.user) }

  /// A PatchOp message for a group.
  public func groupPatch(_ json: JSON) -> Normalised { patch(json, schemas.group) }

  private func resource(_ json: JSON, _ schema: ResourceSchema) -> Normalised {
    guard case .object(var object) = json else { return Normalised(json: json, fired: []) }
    var fired: [String] = []
    for normalisation in normalisations {
      var hasFired = false
      if let rewritten = normalisation.envelope(object, schema) {
        object = rewritten
        hasFired = true
      }
      if let rewritten = normalisation.value.flatMap({ ValueRewriting(rewrite: $0).rewritten(object, of: schema) }) {
        object = rewritten
        hasFired = true
      }
      if hasFired { fired.append(normalisation.name) }
    }
    return Normalised(json: .object(object), fired: fired)
  }

  private func patch(_ json: JSON, _ schema: ResourceSchema) -> Normalised {
    guard case .object(var message) = json else { return Normalised(json: json, fired: []) }
    var fired: [String] = []
    for normalisation in normalisations {
      var hasFired = false
      if let rewritten = normalisation.patchEnvelope(message) {
        message = rewritten
        hasFired = true
      }
      if let operations = message.value(forAttribute: "Operations")?.array,
        let rewritten = Self.rewritten(operations, by: normalisation, schema)
      {
        message.setValue(.array(rewritten), forAttribute: "Operations")
        hasFired = true
      }
      if hasFired { fired.append(normalisation.name) }
    }
    return Normalised(json: .object(message), fired: fired)
  }

  private static func rewritten(_ operations: [JSON], by normalisation: Normalisation, _ schema: ResourceSchema) -> [JSON]? {
    var hasChanged = false
    let rewritten = operations.flatMap { json -> [JSON] in
      guard case .object(let operation) = json else { return [json] }
      var results = [operation]
      if let several = normalisation.operation(operation, schema) {
        results = several
        hasChanged = true
      }
      return results.map { result in
        guard let rewriting = normalisation.value.map({ ValueRewriting(rewrite: $0) }),
          let changed = rewriting.rewritten(operation: result, of: schema)
        else {
          return .object(result)
        }
        hasChanged = true
        return .object(changed)
      }
    }
    return hasChanged ? rewritten : nil
  }
}
