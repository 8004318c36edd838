import Models
import SCIM

/// The request of a log entry, to be sent again.
public struct ReplayRequest: Sendable, Hashable {
  public var method: String
  /// Path and query.
  public var target: String
  public var headers: [String: String]
  public var body: [UInt8]?
  /// What has to be permitted to whoever sends it.
  public var scope: TokenScope

  /// Why a request cannot be sent again as it was.
  public enum Obstacle: Error, Hashable {
    case succeeded(status: Int)
    /// It was refused before it was known who sent it, or whether they may: whoever sends it again lends it a permission that it never had.
    case unauthorized(status: Int)
    /// It sums up requests whose token was never issued, and nothing of them was kept.
    case unverified
    case secretInURL, secretInBody, tokenInBody
    /// Only its head was kept.
    case bodyCut(bytes: Int)
    case bodyNotKept(reason: String)
    /// It is an operation of a bulk request that names others of it.
    case bulkReference
  }

  /// - Parameter force: also where the request succeeded.
  /// - Throws: ``Obstacle`` where it cannot be sent as it was. Attributes that were left out for their name, such as passwords, which are
  ///   of no use here, are none.
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
    // The sender's dialect is recognised by how it names itself.
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
  /// In words for whoever wanted to send it again.
  public var description: String {
    switch self {
    case .succeeded(let status): "the request succeeded with \(status)"
    case .unauthorized(let status):
      """
      it was refused at the door with \(status), so that nobody knows whether its sender may do that, and its body was not kept; have the \
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
  /// Whether its sender was known and had passed every check of what they may do.
  ///
  /// An entry may be of a request that only claims to be of this workspace: with a token that nobody knows. And the limits on what one token
  /// may send come before the look at whether it is revoked, or of another scope.
  fileprivate var wasAuthorized: Bool { token != nil && ![401, 403, 429].contains(status) }
}

extension Redaction {
  /// Whether a value of `json` is one that was put in place of a secret.
  static func isMasked(_ json: JSON) -> Bool {
    switch json {
    case .string(let text): text == mask
    case .array(let elements): elements.contains(where: isMasked)
    case .object(let object): object.members.contains { isMasked($0.value) }
    default: false
    }
  }
}

/// The name of a token that was made to send one logged request again: it says which, so that the new entry can name the old one.
public struct ReplayToken: Sendable, Hashable {
  public var entry: LogEntryID
  /// Who sends it again.
  public var `operator`: String

  public init(entry: LogEntryID, operator: String) {
    self.entry = entry
    self.operator = `operator`
  }

  public var name: String { "replay of \(entry) by \(`operator`)" }

  /// nil where `name` is that of another token.
  public init?(_ name: String) {
    let words = name.split(separator: " ", maxSplits: 4)
    guard words.count == 5, words[0] == "replay", words[1] == "of", words[3] == "by", let entry = LogEntryID(words[2]) else { return nil }
    self.init(entry: entry, operator: String(words[4]))
  }
}
