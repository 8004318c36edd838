import Foundation

/// A write request to identity-store, sent on `identity.commands`.
public struct Command: Sendable, Equatable {
  /// The idempotency key: a command that is delivered twice is carried out once and answered twice.
  public var id: CommandID
  /// The workspace that is written.
  public var workspace: WorkspaceID
  /// The resource that is written; the workspace for settings. It is the key of the message, so that commands on a resource stay in order.
  public var resource: ResourceID
  /// The caller that requested the write.
  public var actor: Actor
  /// The session of the admin console, for the audit trail: two people may have the same name.
  public var session: TokenID?
  /// When the command was issued.
  public var issuedAt: Date
  /// identity-store refuses the command after this time; `nil` if nobody waits for the reply.
  public var deadline: Date?
  /// The versions of the resource that the command may be applied to: `If-Match` (RFC 7644 §3.14). `nil`: any version.
  public var expectedVersions: [Int64]?
  /// The version of the workspace with whose settings the sender validated the document; `nil` if identity-store has to validate it. A
  /// document that was validated with other settings is validated again.
  public var settingsVersion: Int64?
  /// The SHA-256, in hexadecimal digits, of the request that an idempotency key identifies. It is returned with the reply, also with a recorded
  /// one, which shows whether the key was used for another request. `nil`: the command was not sent with such a key.
  public var requestDigest: String?
  /// Where to send the reply; `nil` if nobody waits for it.
  public var replyTo: ReplyAddress?
  /// The W3C Trace Context of the request that caused the command.
  public var traceparent: String?
  /// The write itself.
  public var operation: Operation

  /// Creates a command.
  public init(
    id: CommandID, workspace: WorkspaceID, resource: ResourceID, actor: Actor, session: TokenID? = nil, issuedAt: Date,
    deadline: Date? = nil, expectedVersions: [Int64]? = nil, settingsVersion: Int64? = nil, requestDigest: String? = nil,
    replyTo: ReplyAddress? = nil, traceparent: String? = nil, operation: Operation
  ) {
    self.id = id
    self.workspace = workspace
    self.resource = resource
    self.actor = actor
    self.session = session
    self.issuedAt = issuedAt
    self.deadline = deadline
    self.expectedVersions = expectedVersions
    self.settingsVersion = settingsVersion
    self.requestDigest = requestDigest
    self.replyTo = replyTo
    self.traceparent = traceparent
    self.operation = operation
  }

  /// The write. SCIM documents are the JSON that scim-api has parsed, normalised and validated.
  public enum Operation: Sendable, Equatable {
    /// POST of a User resource (RFC 7643 §4.1). ``Command/resource`` is the id of the new user.
    case createUser(document: [UInt8])
    /// PUT of a User resource.
    case replaceUser(document: [UInt8])
    /// A PatchOp message (RFC 7644 §3.5.2) for a user.
    case patchUser(patch: [UInt8])
    /// DELETE of a user.
    case deleteUser
    /// Erasure of what remains of a deleted user: logged requests, events, invitations.
    case eraseUser
    /// Suspends a workspace, and schedules its deletion. ``Command/resource`` is the workspace.
    case deleteWorkspace(WorkspaceDeletion)
    /// Ends the suspension of a workspace that is not deleted yet.
    case restoreWorkspace
    /// A sign-in: an invited user becomes active. ``Command/resource`` is the user, or an id that is derived from the email.
    case promoteUser(SignIn)
    /// POST of a Group resource (RFC 7643 §4.2), `members` included.
    case createGroup(document: [UInt8])
    /// PUT of a Group resource; without `members` the group becomes empty.
    case replaceGroup(document: [UInt8])
    /// A PatchOp message for a group.
    case patchGroup(patch: [UInt8])
    /// DELETE of a group.
    case deleteGroup
    /// A bulk request (RFC 7644 §3.7). ``Command/resource`` is an id of its own.
    case bulk(Bulk)
    /// Creates the workspace ``Command/workspace``.
    case createWorkspace(WorkspaceSettings)
    /// Replaces the settings. ``Command/expectedVersions`` protects against lost updates.
    case updateWorkspace(WorkspaceSettings)
    /// An order to invitation-mailer. ``Command/resource`` is the user, or else the workspace.
    case orderInvitation(InvitationOrder)
    /// Creates an access token, OAuth client, console session or link.
    case issueToken(TokenGrant)
    /// Revokes a token, client, session or link at once.
    case revokeToken(TokenRevocation)
    /// Approves or rejects a held change. ``Command/resource`` is the user or group of the change.
    case decideHeldChange(HeldChangeDecision)
    /// Publishes the state of resources again, for consumers that lost it. ``Command/resource`` is the workspace.
    case restate(Restatement)
    /// Publishes the state of every workspace again if ``Command/workspace`` is ``WorkspaceID/deployment``, and otherwise that of the
    /// workspace. The reply does not wait for it.
    case rebuild(Rebuild)
    /// Creates a successor of an access token.
    case rotateToken(TokenRotation)
    /// Replaces the secret of an OAuth client or console session.
    case rotateSecret(SecretRotation)
    /// Adds to the usage counts of tokens. ``Command/resource`` is the workspace. There is no reply.
    case recordTokenUses(TokenUses)
    /// Records a delivery report in the audit trail; the mailer consumes the report from `mail.events`. ``Command/resource`` is the
    /// workspace. There is no reply.
    case reportMail(MailEvent)
    /// Adds, verifies or removes a mail domain. ``Command/resource`` is the workspace.
    case changeMailDomain(MailDomainChange)
    /// Stores a part of an import of accounts. ``Command/resource`` is the workspace, as for the next two.
    case stageAccounts(AccountStaging)
    /// Starts an import whose parts are all stored.
    case startAccountImport(AccountImportStart)
    /// Applies a chunk of an import; sent by identity-store to itself. There is no reply.
    case applyAccounts(AccountChunk)
    /// Stores a part of a workspace's file.
    case stageWorkspace(WorkspaceImportPart)
    /// Starts a staged import of a workspace.
    case startWorkspaceImport(WorkspaceImportStart)
    /// Applies a part of a workspace's file.
    case applyWorkspace(WorkspaceImportPart)
    /// Links a user to an imported account. ``Command/resource`` is the user.
    case linkAccount(AccountLink)
    /// Removes the link of a user. ``Command/resource`` is the user.
    case unlinkAccount(AccountUnlink)
    /// Creates or changes a webhook endpoint. ``Command/workspace`` and ``Command/resource`` are the workspace, or
    /// ``WorkspaceID/deployment`` for an endpoint that receives the events of all workspaces.
    case writeWebhook(WebhookEndpointWrite)
    /// Deletes a webhook endpoint.
    case deleteWebhook(WebhookID)
    /// Stops the deliveries to a webhook endpoint until it is enabled again. group-sync sends it with ``Command/expectedVersions``, so that
    /// it does not disable an endpoint that was changed meanwhile.
    case disableWebhook(WebhookID, reason: String)
    /// An order to group-sync about deliveries.
    case orderWebhook(WebhookOrder)
  }

  /// The caller that requested a write.
  public struct Actor: RawRepresentable, Sendable, Hashable, Codable {
    /// The text on the wire, such as `token:…` or `operator:ana`.
    public let rawValue: String
    /// Creates an actor from its text on the wire.
    public init(rawValue: String) { self.rawValue = rawValue }
    /// An access token, used by an identity provider or the product.
    public static func token(_ id: TokenID) -> Actor { Actor(rawValue: "token:\(id)") }
    /// A deployment-wide token, used by the product or the operator.
    public static func deploymentToken(_ id: TokenID) -> Actor { Actor(rawValue: "deployment-token:\(id)") }
    /// An OAuth client, used by an identity provider or the product.
    public static func client(_ id: TokenID) -> Actor { Actor(rawValue: "client:\(id)") }
    /// A service of the suite.
    public static func service(_ name: String) -> Actor { Actor(rawValue: "service:\(name)") }
    /// A person in the admin console, by their name or the name of the token they signed in with.
    public static func console(_ name: String) -> Actor { Actor(rawValue: "console:\(name)") }
    /// An operator who uses `scimctl`.
    public static func `operator`(_ name: String) -> Actor { Actor(rawValue: "operator:\(name)") }
  }
}

/// The address for the reply to a command: a partition of `identity.replies` that the sender of the command consumes.
public struct ReplyAddress: Sendable, Hashable {
  /// The partition of `identity.replies`.
  public var partition: Int32
  /// Chosen by the sender, and returned with the reply.
  public var correlationID: String

  /// Creates a reply address.
  public init(partition: Int32, correlationID: String) {
    self.partition = partition
    self.correlationID = correlationID
  }
}

/// A sign-in, reported by the product's sign-in service.
public struct SignIn: Sendable, Hashable, Codable {
  /// The workspace of the sign-in.
  public var workspace: WorkspaceID
  /// The email address; at least one of `email` and `user` is set.
  public var email: String?
  /// The user, if the product knows the id.
  public var user: UserID?
  /// When the person signed in.
  public var signedInAt: Date
  /// The method, such as `saml` or `password`, for the audit trail.
  public var method: String?

  /// Creates a sign-in; at least one of `email` and `user` is given.
  public init(workspace: WorkspaceID, email: String?, user: UserID?, signedInAt: Date, method: String? = nil) {
    self.workspace = workspace
    self.email = email
    self.user = user
    self.signedInAt = signedInAt
    self.method = method
  }
}
