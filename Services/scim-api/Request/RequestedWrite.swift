import Models
import Queries
import SCIM

/// What the body of a write asks for, in the form in which identity-store carries it out: normalised by the workspace's connection
/// profile and checked as far as that needs no stored state.
struct RequestedWrite: Sendable {
  enum Verb: Sendable, Hashable {
    case create, replace, patch
  }

  let operation: Command.Operation
  /// The normalisations that were applied to the body.
  let normalisations: [String]

  /// - Throws: a 400 that names the attribute, path or operation, what was expected and what came.
  init(
    _ verb: Verb, _ kind: ResourceKind, _ body: JSON, profile: WorkspaceSettings.ConnectionProfile, userAgent: String?,
    schemas: ResourceSchemas
  ) throws(SCIMError) {
    let normaliser = Normaliser(profile: ConnectionProfile(profile), userAgent: userAgent, schemas: schemas)
    let normalised: Normaliser.Normalised
    switch (verb, kind) {
    case (.create, .user), (.replace, .user):
      normalised = normaliser.user(body)
      if profile == .strict { try schemas.user.refuseUnknown(in: normalised.json) }
      let document = try UserDocument(normalised.json, schemas: schemas)
      // Of what there is already, identity-store alone knows what stays as it is.
      if verb == .create { try document.checkBounds(schemas: schemas) }
      operation = verb == .create ? .createUser(document: document.json()) : .replaceUser(document: document.json())
    case (.create, .group), (.replace, .group):
      normalised = normaliser.group(body)
      if profile == .strict { try schemas.group.refuseUnknown(in: normalised.json) }
      let document = try GroupDocument(normalised.json, schemas: schemas)
      if verb == .create { try document.checkBounds(schemas: schemas) }
      operation = verb == .create ? .createGroup(document: document.json()) : .replaceGroup(document: document.json())
    case (.patch, .user):
      try Self.checkCount(body)
      normalised = normaliser.userPatch(body)
      operation = .patchUser(patch: try Self.patch(normalised, against: schemas.user, refusingUnknown: profile == .strict))
    case (.patch, .group):
      try Self.checkCount(body)
      normalised = normaliser.groupPatch(body)
      operation = .patchGroup(patch: try Self.patch(normalised, against: schemas.group, refusingUnknown: profile == .strict))
    }
    normalisations = normalised.fired
  }

  /// The most operations of a PATCH.
  static let maximumOperations = 1000

  /// Counts the operations before anything is done to them.
  private static func checkCount(_ body: JSON) throws(SCIMError) {
    let count = body.object?.value(forAttribute: "Operations")?.array?.count ?? 0
    guard count <= maximumOperations else {
      throw SCIMError(
        status: 413, scimType: nil,
        detail: """
          The PATCH has \(count) operations; at most \(maximumOperations) are carried out at once. Send it in several requests; the members \
          of a group fit one operation, as many as they are.
          """)
    }
  }

  private static func patch(
    _ normalised: Normaliser.Normalised, against schema: ResourceSchema, refusingUnknown: Bool
  ) throws(SCIMError) -> [UInt8] {
    let patch = try Patch(normalised)
    try patch.checkSteps()
    try patch.check(against: schema)
    if refusingUnknown { try schema.refuseUnknown(in: patch) }
    return patch.withoutSecrets(of: schema).json()
  }
}

extension ConnectionProfile {
  /// The profile that the workspace's setting names.
  init(_ setting: WorkspaceSettings.ConnectionProfile) {
    switch setting {
    case .auto: self = .auto
    case .okta: self = .okta
    case .entra: self = .entra
    case .onelogin: self = .onelogin
    case .strict: self = .strict
    }
  }
}
