import Models
import SCIM

/// The request of a log entry, for a replay.
public struct ReplayRequest: Sendable, Hashable {
  /// The HTTP method.
  public var method: String
  /// The path and query.
  public var target: String
  /// The headers, without authorization.
  public var headers: [String: String]
  /// The body.
  public var body: [UInt8]?
  /// The scope that the request needs.
  public var scope: TokenScope

  /// The reason why a request cannot be replayed.
  public enum Obstacle: Error, Hashable {
    /// The request succeeded.
    case succeeded(status: Int)
    /// Authentication or authorization failed. A replay would grant the request a permission that it did not have.
    case unauthorized(status: Int)
    /// The entry summarises requests with tokens that were never issued, and their content was not logged.
    case unverified
    /// A secret was removed from the URL.
    case secretInURL
    /// A secret was removed from a value of the body.
    case secretInBody
    /// An access token was removed from the body.
    case tokenInBody
    /// Only an abridged body was logged.
    case bodyCut(bytes: Int)
    /// The body was not logged.
    case bodyNotKept(reason: String)
    /// The entry is an operation that refers to others of its bulk request.
    case bulkReference
  }

  /// Creates the request of an entry.
  ///
  /// - Parameters:
  ///   - entry: The entry.
  ///   - force: Whether to replay successful requests too.
  /// - Throws: ``Obstacle`` if the request cannot be replayed unchanged. Removed secret attributes, such as passwords, are not an obstacle,
  ///   because they are ignored anyway.
  public init(_ entry: LogEntry, force: Bool = false) throws(Obstacle) {
    guard entry.isFailure || force else { throw .succeeded(status: entry.status) }
    guard entry.unverified == nil else { throw .unverified }
    guard entry.wasAuthorized else { throw .unauthorized(status: entry.status) }
    guard entry.query.map(Redaction.isRedacted) != true, !Redaction.isRedacted(entry.path) else { throw .secretInURL }
    method = entry.method
    scope = entry.path.hasPrefix("/api/v2/sign-ins") ? .signIns : .scim
    target = entry.path + (entry.query.map { "?\($0)" } ?? "")
    body = try Self.body(of: entry)
    headers = ["Accept": "application/scim+json"]
    // The dialect is detected by the User-Agent.
    headers["User-Agent"] = entry.userAgent
    headers["If-Match"] = entry.ifMatch
    if body != nil { headers["Content-Type"] = entry.contentType ?? "application/scim+json" }
  }

  private static func body(of entry: LogEntry) throws(Obstacle) -> [UInt8]? {
    switch entry.body?.content {
    case nil: return nil
    case .whole(let json, _)?:
      let bytes = json.serialized()
      guard Redaction.maskingTokens(in: bytes) == bytes, !bytes.contains(Array(Redaction.maskedToken.utf8)) else { throw .tokenInBody }
      guard !Redaction.isMasked(json) else { throw .secretInBody }
      guard entry.bulk == nil || !bytes.contains(Array(#""bulkId:"#.utf8)) else { throw .bulkReference }
      return bytes
    case .head?: throw .bodyCut(bytes: entry.body?.bytes ?? 0)
    case .none(let reason)?: throw .bodyNotKept(reason: reason)
    }
  }
}

extension ReplayRequest.Obstacle: CustomStringConvertible {
  /// The reason in words.
  public var description: String {
    switch self {
    case .succeeded(let status): "the request succeeded with \(status)"
    case .unauthorized(let status):
      """
      it was rejected with \(status) before it was processed, so that nobody knows whether its sender may do that, and its body was not kept; have the \
      identity provider send it again
      """
    case .unverified: "its token was never issued, and nothing of it was kept"
    case .secretInURL: "the URL of the request held a secret that was not kept; have the identity provider send it again"
    case .secretInBody: "a part of the body was secret and not kept; have the identity provider send it again"
    case .tokenInBody: "the body held an access token that was not kept; have the identity provider send it again"
    case .bodyCut(let bytes):
      "only the head of the body was kept, since it has \(bytes) bytes; have the identity provider send it again"
    case .bodyNotKept(let reason): "the body was not kept: \(reason); have the identity provider send it again"
    case .bulkReference: "the operation refers to others of its bulk request; have the identity provider send that again"
    }
  }
}

extension LogEntry {
  /// Whether the request passed authentication and authorization.
  ///
  /// The token can be unknown, so that the request only claims to belong to this workspace. Rate limits are checked before revocation and
  /// scope, so 429 does not count as authorized.
  fileprivate var wasAuthorized: Bool { token != nil && ![401, 403, 429].contains(status) }
}

extension Redaction {
  /// Whether a value of `json` is the placeholder for a secret.
  static func isMasked(_ json: JSON) -> Bool {
    switch json {
    case .string(let text): text == mask
    case .array(let elements): elements.contains(where: isMasked)
    case .object(let object): object.members.contains { isMasked($0.value) }
    default: false
    }
  }
}

/// The name of a token that was issued to replay a logged request. It contains the entry's id, so that the new entry can refer to it.
public struct ReplayToken: Sendable, Hashable {
  /// The replayed entry.
  public var entry: LogEntryID
  /// The operator who replays it.
  public var `operator`: String

  /// Creates a name.
  public init(entry: LogEntryID, operator: String) {
    self.entry = entry
    self.operator = `operator`
  }

  /// The name of the token.
  public var name: String { "replay of \(entry) by \(`operator`)" }

  /// Parses the name of a token; nil for other tokens.
  public init?(_ name: String) {
    let words = name.split(separator: " ", maxSplits: 4)
    guard words.count == 5, words[0] == "replay", words[1] == "of", words[3] == "by", let entry = LogEntryID(words[2]) else { return nil }
    self.init(entry: entry, operator: String(words[4]))
  }
}
