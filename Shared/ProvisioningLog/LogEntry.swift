import Foundation
import Models
import SCIM

/// An entry of the provisioning log: the result of a write, a failed request, or a read that shows that the connection works.
///
/// Contains no secrets; see ``Redaction``.
public struct LogEntry: Sendable, Hashable {
  /// The id, which sorts by ``at``.
  public var id: LogEntryID
  /// The workspace.
  public var workspace: WorkspaceID
  /// The time of the request.
  public var at: Date
  /// The token; nil if it is unknown.
  public var token: TokenID?
  /// `okta`, `entra` or `onelogin`; nil if the sender was not recognised.
  public var identityProvider: String?
  /// The `User-Agent` header.
  public var userAgent: String?
  /// The address of the client.
  public var address: String?
  /// The HTTP method.
  public var method: String
  /// The path of the URL.
  public var path: String
  /// The query of the URL.
  public var query: String?
  /// The `Content-Type` header.
  public var contentType: String?
  /// The `If-Match` header.
  public var ifMatch: String?
  /// The HTTP status of the response.
  public var status: Int
  /// The `scimType` of the error.
  public var scimType: String?
  /// The detail of the error.
  public var detail: String?
  /// The changes of a request that disabled a user that were not applied.
  public var unapplied: [UnappliedChange] = []
  /// The normalisations that were applied to the body.
  public var normalisations: [String] = []
  /// The type of the resource.
  public var resourceType: ResourceType?
  /// The id of the resource.
  public var resource: ResourceID?
  /// The `userName` or `displayName` in the request.
  public var name: String?
  /// The duration in milliseconds.
  public var milliseconds: Double
  /// The command that the request was converted to.
  public var command: CommandID?
  /// The W3C trace id.
  public var trace: String?
  /// The body without secrets.
  public var body: LoggedBody?
  /// The numbers of operations of a bulk request.
  public var operations: Operations?
  /// The entry of the bulk request that this operation belongs to.
  public var bulk: LogEntryID?
  /// Why a create reused the record of a disabled user; nil if it did not.
  public var relink: Relink?
  /// The entry whose request was replayed by this one.
  public var replayOf: LogEntryID?
  /// Set if the entry summarises requests with tokens that were never issued. Their paths and bodies are not logged.
  public var unverified: UnverifiedSender?

  /// The type of the resource of a request.
  public enum ResourceType: String, Sendable, Hashable {
    /// A user.
    case user = "User"
    /// A group.
    case group = "Group"
  }

  /// The numbers of operations of a bulk request.
  public struct Operations: Sendable, Hashable {
    /// All operations.
    public var count: Int
    /// The failed operations, each of which has its own entry, up to ``maximumEntries``.
    public var failed: Int

    /// Creates numbers of operations.
    public init(count: Int, failed: Int) {
      self.count = count
      self.failed = failed
    }

    /// The maximum number of entries for the failed operations of a request.
    public static let maximumEntries = 100
  }

  /// Requests within one hour with tokens that name the workspace but were never issued. Anyone who knows the workspace's id can send them.
  public struct UnverifiedSender: Sendable, Hashable {
    /// The number of requests.
    public var requests: Int
    /// The time of the first request.
    public var firstAt: Date
    /// The time of the last request.
    public var lastAt: Date

    /// Creates a summary.
    public init(requests: Int, firstAt: Date, lastAt: Date) {
      self.requests = requests
      self.firstAt = firstAt
      self.lastAt = lastAt
    }
  }

  /// The placeholder for the method and path of unverified requests.
  public static let omitted = "-"

  /// Creates an entry that summarises unverified requests.
  ///
  /// - Parameters:
  ///   - id: The id of the entry.
  ///   - workspace: The workspace that the tokens name.
  ///   - unverified: The requests.
  ///   - address: The address of the clients; nil for several.
  ///   - detail: The detail of the errors.
  public init(id: LogEntryID, workspace: WorkspaceID, unverified: UnverifiedSender, address: String?, detail: String) {
    self.init(
      id: id, workspace: workspace, at: unverified.firstAt, method: Self.omitted, path: Self.omitted, status: 401, milliseconds: 0)
    self.unverified = unverified
    self.address = address
    self.detail = detail
  }

  /// Creates an entry with its required values.
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

  /// Whether some changes were not applied: a warning, not a failure.
  public var isPartlyApplied: Bool { !unapplied.isEmpty }

  /// Whether the request or one of its operations failed.
  public var isFailure: Bool { status >= 400 || (operations?.failed ?? 0) > 0 }
}

/// The logged part of a request's body.
public struct LoggedBody: Sendable, Hashable {
  /// The size of the original body in bytes.
  public var bytes: Int
  /// The logged content.
  public var content: Content

  /// The logged content of a body.
  public enum Content: Sendable, Hashable {
    /// The complete body without the secret attributes, whose names are `removed`.
    case whole(JSON, removed: [String])
    /// The abridged version of a body that is too large.
    case head(JSON)
    /// Nothing, because the body was not read or is not JSON, and could contain secrets.
    case none(reason: String)
  }

  /// Creates a logged body.
  public init(bytes: Int, content: Content) {
    self.bytes = bytes
    self.content = content
  }

  /// The size in bytes from which a body is abridged.
  public static let maximumBytes = 64 << 10
}

extension Relink {
  /// A short description of the relink.
  public var summary: String {
    switch self {
    case .samePerson: "Relinked to a disabled user"
    case .reassigned: "Relinked, and reset for another person"
    }
  }

  /// The explanation of the relink and its consequences.
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
