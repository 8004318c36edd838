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
    guard case .object(var object) = json, !normalisations.isEmpty else { return Normalised(json: json, fired: []) }
    var rewriting = ValueRewriting(normalisations, schema)
    for (index, normalisation) in normalisations.enumerated() {
      guard let rewritten = normalisation.envelope?(object, schema) else { continue }
      object = rewritten
      rewriting.fired.insert(index)
    }
    if let rewritten = rewriting.rewritten(object) { object = rewritten }
    return Normalised(json: .object(object), fired: names(rewriting.fired))
  }

  private func patch(_ json: JSON, _ schema: ResourceSchema) -> Normalised {
    guard case .object(var message) = json, !normalisations.isEmpty else { return Normalised(json: json, fired: []) }
    var rewriting = ValueRewriting(normalisations, schema)
    if let operations = message.value(forAttribute: "Operations")?.array {
      message.setValue(.array(rewritten(operations, by: &rewriting, schema)), forAttribute: "Operations")
    }
    for (index, normalisation) in normalisations.enumerated() {
      guard let rewritten = normalisation.patchEnvelope?(message, schema) else { continue }
      message = rewritten
      rewriting.fired.insert(index)
    }
    return Normalised(json: .object(message), fired: names(rewriting.fired))
  }

  private func names(_ fired: Set<Int>) -> [String] {
    fired.isEmpty ? [] : fired.sorted().map { normalisations[$0].name }
  }

  private func rewritten(_ operations: [JSON], by rewriting: inout ValueRewriting, _ schema: ResourceSchema) -> [JSON] {
    var results: [JSON] = []
    results.reserveCapacity(operations.count)
    for json in operations {
      guard case .object(let operation) = json else {
        results.append(json)
        continue
      }
      var rewritten = [operation]
      for (index, normalisation) in normalisations.enumerated() {
        guard let rewrite = normalisation.operation else { continue }
        var next: [JSONObject] = []
        for operation in rewritten {
          if let several = rewrite(operation, schema) {
            next += several
            rewriting.fired.insert(index)
          } else {
            next.append(operation)
          }
        }
        rewritten = next
      }
      for operation in rewritten { results.append(.object(rewriting.rewritten(operation: operation) ?? operation)) }
    }
    return results
  }
}
