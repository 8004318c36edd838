import EdgeHTTP
import EdgeReads
import Models
import SCIM
import SCIMStorage

/// A write request as a command operation: the body is normalised by the workspace's connection profile and validated as far as possible
/// without stored state.
struct RequestedWrite: Sendable {
  /// The kind of write.
  enum Verb: Sendable, Hashable {
    case create, replace, patch
  }

  /// The operation for identity-store.
  let operation: Command.Operation
  /// The normalisations that were applied to the body.
  let normalisations: [String]

  /// - Throws: 400 that names the attribute, path or operation, the expected value and the actual value.
  init(
    _ verb: Verb, _ kind: ResourceKind, _ body: JSON, profile: WorkspaceSettings.ConnectionProfile, userAgent: String?,
    schemas: ResourceSchemas
  ) throws(SCIMError) {
    let normaliser = Normaliser(profile: ConnectionProfile(profile), userAgent: userAgent, schemas: schemas)
    let normalised: Normaliser.Normalised
    switch (verb, kind) {
    case (.create, .user), (.replace, .user):
      normalised = normaliser.user(body)
      let document = try Self.document(normalised.json, verb, schemas: schemas, isStrict: profile == .strict)
      operation = verb == .create ? .createUser(document: document) : .replaceUser(document: document)
    case (.create, .group), (.replace, .group):
      normalised = normaliser.group(body)
      if profile == .strict { try schemas.group.rejectUnknownAttributes(in: normalised.json) }
      let document = try GroupDocument(normalised.json, schemas: schemas)
      if verb == .create { try document.checkBounds(schemas: schemas) }
      operation = verb == .create ? .createGroup(document: document.json()) : .replaceGroup(document: document.json())
    case (.patch, .user):
      let patch: Patch
      (normalised, patch) = try Self.userPatch(body, normaliser, schemas.user, isStrict: profile == .strict)
      operation = .patchUser(patch: patch.json())
    case (.patch, .group):
      try Self.checkCount(body)
      normalised = normaliser.groupPatch(body)
      operation = .patchGroup(patch: try Self.patch(normalised, against: schemas.group, isStrict: profile == .strict).json())
    }
    normalisations = normalised.applied
  }

  /// The maximum number of operations in a PATCH.
  static let maximumOperations = 1000

  /// Checks the number of operations before they are processed.
  ///
  /// - Throws: 413 if there are too many.
  private static func checkCount(_ body: JSON) throws(SCIMError) {
    let count = body.object?.value(forAttribute: "Operations")?.array?.count ?? 0
    guard count <= maximumOperations else {
      throw SCIMError(
        status: 413, scimType: nil,
        detail: """
          The PATCH has \(count) operations; the maximum is \(maximumOperations). Split it into several requests. One \
          operation can contain all members of a group.
          """)
    }
  }

  /// A user's document. An invalid PUT that disables a user is reduced to the valid attributes and lists the unapplied ones.
  private static func document(
    _ json: JSON, _ verb: Verb, schemas: ResourceSchemas, isStrict: Bool
  ) throws(SCIMError) -> [UInt8] {
    do throws(SCIMError) {
      if isStrict { try schemas.user.rejectUnknownAttributes(in: json) }
      let document = try UserDocument(json, schemas: schemas)
      // Only identity-store knows which attributes of an existing user change, so it checks their bounds.
      if verb == .create { try document.checkBounds(schemas: schemas) }
      return document.json()
    } catch {
      guard verb == .replace,
        let document = UserDocument.deactivation(of: json, schemas: schemas, isStrict: isStrict, after: error)
      else { throw error }
      return document
    }
  }

  /// A PATCH of a user. An invalid PATCH that disables a user is reduced to the valid operations and lists the unapplied ones.
  private static func userPatch(
    _ body: JSON, _ normaliser: Normaliser, _ schema: ResourceSchema, isStrict: Bool
  ) throws(SCIMError) -> (Normaliser.Normalised, Patch) {
    var body = body
    var excess: SCIMError?
    do throws(SCIMError) {
      try checkCount(body)
    } catch {
      guard let fewer = Patch.operationsOnActive(of: body, maximum: maximumOperations) else { throw error }
      body = fewer
      excess = error
    }
    let normalised = normaliser.userPatch(body)
    var patch: Patch
    do throws(SCIMError) {
      if let excess { throw excess }
      patch = try Self.patch(normalised, against: schema, isStrict: isStrict)
    } catch {
      guard let disabling = Patch(deactivating: normalised, schema: schema, isStrict: isStrict) else { throw error }
      patch = disabling.withoutSecrets(of: schema)
      if let excess {
        patch.addUnapplied(UnappliedChange(path: "Operations", detail: excess.detail))
      } else if patch.unapplied.isEmpty {
        // All operations are valid, so the error is in the message around them.
        patch.addUnapplied(UnappliedChange(path: "schemas", detail: error.detail))
      }
    }
    return (normalised, patch)
  }

  private static func patch(
    _ normalised: Normaliser.Normalised, against schema: ResourceSchema, isStrict: Bool
  ) throws(SCIMError) -> Patch {
    let patch = try Patch(normalised)
    try patch.checkSteps()
    try patch.check(against: schema)
    if isStrict { try patch.rejectNonstandardForms(of: schema) }
    return patch.withoutSecrets(of: schema)
  }
}
