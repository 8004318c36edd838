import Foundation
import Models
import SCIM

/// What became of one request of an identity provider: a write, whatever was refused, or a read by which one can see that it gets through.
/// Holds no secret; see ``Redaction``.
public struct LogEntry: Sendable, Hashable {
  /// Made by the edge, and sorted by ``at``.
  public var id: LogEntryID
  public var workspace: WorkspaceID
  /// When the request came.
  public var at: Date
  /// nil where it is not known here.
  public var token: TokenID?
  /// `okta`, `entra` or `onelogin`; nil where the sender is not recognised.
  public var identityProvider: String?
  public var userAgent: String?
  /// Of the other end of the connection.
  public var address: String?
  public var method: String
  public var path: String
  public var query: String?
  public var contentType: String?
  public var ifMatch: String?
  public var status: Int
  public var scimType: String?
  /// What the identity provider was told.
  public var detail: String?
  /// What of a request that disabled a user was not applied.
  public var unapplied: [UnappliedChange] = []
  /// The normalisations that were applied to the body.
  public var normalisations: [String] = []
  public var resourceType: ResourceType?
  public var resource: ResourceID?
  /// The `userName` or `displayName` that was sent.
  public var name: String?
  public var milliseconds: Double
  public var command: CommandID?
  /// The W3C trace id.
  public var trace: String?
  public var body: LoggedBody?
  /// Of a bulk request: what became of its operations.
  public var operations: Operations?
  /// The entry of the bulk request whose operation this is.
  public var bulk: LogEntryID?
  /// Why a create reused the record of a disabled user; nil where it did not.
  public var relink: Relink?
  /// The entry whose request was sent again by this one.
  public var replayOf: LogEntryID?
  /// Set where the entry sums up requests with tokens that nobody issued; then there is nothing of the requests themselves.
  public var unverified: UnverifiedSender?

  public enum ResourceType: String, Sendable, Hashable {
    case user = "User"
    case group = "Group"
  }

  public struct Operations: Sendable, Hashable {
    public var count: Int
    /// Each of them has an entry of its own, up to ``maximumEntries``.
    public var failed: Int

    public init(count: Int, failed: Int) {
      self.count = count
      self.failed = failed
    }

    /// The most entries for failed operations of one request.
    public static let maximumEntries = 100
  }

  /// Requests from one address, within one hour, with tokens that have the form of the workspace's and were never issued: anybody who knows
  /// the workspace's id can send them.
  public struct UnverifiedSender: Sendable, Hashable {
    public var requests: Int
    public var firstAt: Date
    public var lastAt: Date

    public init(requests: Int, firstAt: Date, lastAt: Date) {
      self.requests = requests
      self.firstAt = firstAt
      self.lastAt = lastAt
    }
  }

  /// What stands in place of the method and the path of requests of an unverified sender.
  public static let omitted = "-"

  /// An entry that sums up requests of an unverified sender.
  ///
  /// - Parameters:
  ///   - address: nil where they came from several.
  ///   - detail: the detail of the error that the senders receive.
  public init(id: LogEntryID, workspace: WorkspaceID, unverified: UnverifiedSender, address: String?, detail: String) {
    self.init(
      id: id, workspace: workspace, at: unverified.firstAt, method: Self.omitted, path: Self.omitted, status: 401, milliseconds: 0)
    self.unverified = unverified
    self.address = address
    self.detail = detail
  }

  public init(
    id: LogEntryID, workspace: WorkspaceID, at: Date, method: String, path: String, status: Int, milliseconds: Double
  ) {
    self.id = id
    self.workspace = workspace
    self.at = at
    self.method = method
    self.path = path
    self.status = status
    self.milliseconds = milliseconds
  }

  /// Whether a part of it was not applied: a warning rather than a failure.
  public var isPartlyApplied: Bool { !unapplied.isEmpty }

  /// Whether it was refused, or one of its operations was.
  public var isFailure: Bool { status >= 400 || (operations?.failed ?? 0) > 0 }
}

/// As much of a request's body as is kept.
public struct LoggedBody: Sendable, Hashable {
  /// How many bytes were sent.
  public var bytes: Int
  public var content: Content

  public enum Content: Sendable, Hashable {
    /// All of it but the secrets, whose names are `removed`.
    case whole(JSON, removed: [String])
    /// The head of a body that is too large to be kept.
    case head(JSON)
    /// It was not read, or is not JSON: it may hold a secret that could not be found.
    case none(reason: String)
  }

  public init(bytes: Int, content: Content) {
    self.bytes = bytes
    self.content = content
  }

  /// A body of more bytes is cut down to its head.
  public static let maximumBytes = 64 << 10
}

extension Relink {
  /// What happened, in a few words.
  public var summary: String {
    switch self {
    case .samePerson: "Relinked to a disabled user"
    case .reassigned: "Relinked, and reset for another person"
    }
  }

  /// What happened, and what follows from it.
  public var explanation: String {
    switch self {
    case .samePerson:
      """
      A disabled user with the same userName, or with the same externalId and primary address, came back under the old id. Sign-in history \
      and memberships were kept.
      """
    case .reassigned:
      """
      The userName belonged to a disabled user with another externalId, so it was given to somebody else. The record was reused without the \
      former person's sign-in history, role and group memberships.
      """
    }
  }
}
