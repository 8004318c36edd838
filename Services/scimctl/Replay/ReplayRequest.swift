import Foundation
import Models
import ProvisioningLog
import SCIM

/// The request of a log entry, to be sent again.
struct ReplayRequest: Sendable, Equatable {
  var method: String
  var url: URL
  var headers: [String: String]
  var body: [UInt8]?
  /// What the token for it has to be good for.
  var scope: TokenScope

  /// - Parameters:
  ///   - edge: the SCIM base URL; of which scheme, host and port are used.
  ///   - force: also where the request succeeded.
  /// - Throws: ``Failure`` where it cannot be sent as it was.
  init(_ entry: LogEntry, to edge: URL, force: Bool) throws(Failure) {
    guard entry.isFailure || force else {
      throw Failure(.refused, "the request succeeded with \(entry.status); --force sends it again all the same")
    }
    guard entry.query.map(Redaction.isRedacted) != true else {
      throw Failure(.refused, "the URL of the request held a secret that was not kept; have the identity provider send it again")
    }
    method = entry.method
    scope = entry.path.hasPrefix("/api/v2/sign-ins") ? .signIns : .scim
    guard var components = URLComponents(url: edge, resolvingAgainstBaseURL: false) else {
      throw Failure(.configuration, "ROLLCALL_SCIM_URL is no URL that a path can be added to: \(edge)")
    }
    components.percentEncodedQuery = nil
    components.path = ""
    guard let site = components.url?.absoluteString, let url = URL(string: site + entry.path + (entry.query.map { "?\($0)" } ?? "")) else {
      throw Failure(.refused, "the path of the request, '\(entry.path.prefix(100))', is none that can be sent again")
    }
    self.url = url
    body = try Self.body(of: entry)
    headers = ["Accept": "application/scim+json"]
    // The sender's dialect is recognised by how it names itself.
    headers["User-Agent"] = entry.userAgent ?? "scimctl"
    headers["If-Match"] = entry.ifMatch
    if body != nil { headers["Content-Type"] = entry.contentType ?? "application/scim+json" }
  }

  private static func body(of entry: LogEntry) throws(Failure) -> [UInt8]? {
    switch entry.body?.content {
    case nil: return nil
    case .whole(let json, _)?:
      let bytes = json.serialized()
      guard Redaction.maskingTokens(in: bytes) == bytes, !bytes.contains(Array(Redaction.maskedToken.utf8)) else {
        throw Failure(.refused, "the body held an access token that was not kept; have the identity provider send it again")
      }
      guard entry.bulk == nil || !bytes.contains(Array(#""bulkId:"#.utf8)) else {
        throw Failure(
          .refused, "the operation refers to others of its bulk request; have the identity provider send that again")
      }
      return bytes
    case .head?:
      throw Failure(
        .refused,
        "only the head of the body was kept, since it has \(entry.body?.bytes ?? 0) bytes; have the identity provider send it again")
    case .none(let reason)?: throw Failure(.refused, "the body was not kept: \(reason); have the identity provider send it again")
    }
  }
}
