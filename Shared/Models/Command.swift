import Foundation

/// One write, on its way to identity-store through `identity.commands`.
public struct Command: Sendable, Equatable {
  /// Names this command for ever: a command that is delivered twice is answered twice and carried out once.
  public var id: CommandID
  public var workspace: WorkspaceID
  /// What is written: the message's key, so that commands on one resource stay in order. The workspace's id for settings.
  public var resource: ResourceID
  public var actor: Actor
  /// The session of the admin console in which they asked, for the audit trail: the names of two people there may be the same.
  public var session: TokenID?
  public var issuedAt: Date
  /// identity-store does not begin the command after this; nil where nobody waits for it.
  public var deadline: Date?
  /// The versions of the resource on which it may be carried out, one of them: `If-Match` (RFC 7644 §3.14). nil: on any.
  public var expectedVersions: [Int64]?
  public var replyTo: ReplyAddress?
  /// W3C Trace Context of the request that caused it.
  public var traceparent: String?
  public var operation: Operation

  public init(
    id: CommandID, workspace: WorkspaceID, resource: ResourceID, actor: Actor, session: TokenID? = nil, issuedAt: Date,
    deadline: Date? = nil,
    expectedVersions: [Int64]? = nil, replyTo: ReplyAddress? = nil, traceparent: String? = nil, operation: Operation
  ) {
    self.id = id
    self.workspace = workspace
    self.resource = resource
    self.actor = actor
    self.session = session
    self.issuedAt = issuedAt
    self.deadline = deadline
    self.expectedVersions = expectedVersions
    self.replyTo = replyTo
    self.traceparent = traceparent
    self.operation = operation
  }

  /// What to do. SCIM documents travel as the JSON that the edge has parsed, normalised and checked.
  public enum Operation: Sendable, Equatable {
    /// A User resource, RFC 7643 §4.1. The new id is ``Command/resource``.
    case createUser(document: [UInt8])
    case replaceUser(document: [UInt8])
    /// A PatchOp message, RFC 7644 §3.5.2.
    case patchUser(patch: [UInt8])
    case deleteUser
    /// A person signed in. With a user id ``Command/resource`` is that user; otherwise it is derived from the email.
    case promoteUser(SignIn)
    /// A Group resource, RFC 7643 §4.2, `members` included.
    case createGroup(document: [UInt8])
    case replaceGroup(document: [UInt8])
    case patchGroup(patch: [UInt8])
    case deleteGroup
    /// A bulk request, RFC 7644 §3.7. ``Command/resource`` is an id of its own.
    case bulk(Bulk)
    case createWorkspace(WorkspaceSettings)
    /// With ``Command/expectedVersions`` a change that somebody else made meanwhile is not lost.
    case updateWorkspace(WorkspaceSettings)
    /// ``Command/resource`` is the user that the order is about, else the workspace.
    case orderInvitation(InvitationOrder)
    case issueToken(TokenGrant)
    case revokeToken(TokenRevocation)
    /// What becomes of a change that waits for approval. ``Command/resource`` is the user or group that it is of.
    case decideHeldChange(HeldChangeDecision)
    /// Publish the present state of resources again, for consumers that lost it. ``Command/resource`` is the workspace.
    case restate(Restatement)
    /// Publish the present state of every workspace again. ``Command/workspace`` is ``Rebuild/deployment``; nobody waits for it.
    case rebuild(Rebuild)
    case rotateToken(TokenRotation)
    case rotateSecret(SecretRotation)
    /// ``Command/resource`` is the workspace's id; nobody waits for it.
    case recordTokenUses(TokenUses)
    /// Somebody reported what became of a mail: for the audit trail alone, the mailer takes the report itself from `mail.events`.
    /// ``Command/resource`` is the workspace's id; nobody waits for it.
    case reportMail(MailEvent)
  }

  /// Who asked for a write.
  public struct Actor: RawRepresentable, Sendable, Hashable, Codable {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    /// An API access token, so an identity provider.
    public static func token(_ id: TokenID) -> Actor { Actor(rawValue: "token:\(id)") }
    /// An OAuth client, so an identity provider, too.
    public static func client(_ id: TokenID) -> Actor { Actor(rawValue: "client:\(id)") }
    /// A process of the suite.
    public static func service(_ name: String) -> Actor { Actor(rawValue: "service:\(name)") }
    /// A person at the admin console, by their name or that of what they signed in with.
    public static func console(_ name: String) -> Actor { Actor(rawValue: "console:\(name)") }
    /// A person at `scimctl`.
    public static func `operator`(_ name: String) -> Actor { Actor(rawValue: "operator:\(name)") }
  }
}

/// Where the reply to a command goes: the partition of `identity.replies` that the asking process reads.
public struct ReplyAddress: Sendable, Hashable {
  public var partition: Int32
  /// Chosen by the asker, returned with the reply.
  public var correlationID: String

  public init(partition: Int32, correlationID: String) {
    self.partition = partition
    self.correlationID = correlationID
  }
}

/// That a person signed in, as the product's sign-in service says it.
public struct SignIn: Sendable, Hashable, Codable {
  public var workspace: WorkspaceID
  /// At least one of email and user id is there.
  public var email: String?
  public var user: UserID?
  public var signedInAt: Date
  /// `saml`, `password`, …; for the audit trail.
  public var method: String?

  public init(workspace: WorkspaceID, email: String?, user: UserID?, signedInAt: Date, method: String? = nil) {
    self.workspace = workspace
    self.email = email
    self.user = user
    self.signedInAt = signedInAt
    self.method = method
  }
}
