import Credentials
import Foundation
import Models

/// A Rollcall server, and the token with which commands reach it.
struct ManagementServer: Sendable, Equatable {
  /// Scheme, host and port, such as `https://app.example.com`.
  var site: String
  /// The token, sent as bearer token.
  var token: String
  /// The path of a PEM file with certificate authorities to trust instead of those of the system; nil for those of the system.
  var authorities: String?

  /// - Parameter url: The URL of the server; a path is left out.
  /// - Throws: ``ScimctlError`` if `url` is not an HTTP URL, or `token` cannot be one.
  init(url: String, token: String, authorities: String? = nil) throws(ScimctlError) {
    site = try Self.site(of: url)
    let token = token.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw ScimctlError(
        .usage, "the token is not one of Rollcall: a text without spaces that begins with \(AccessToken.prefix) was expected")
    }
    self.token = token
    self.authorities = authorities
  }

  /// Scheme, host and port of a URL.
  ///
  /// - Throws: ``ScimctlError`` if `url` is not an HTTP URL.
  static func site(of url: String) throws(ScimctlError) -> String {
    guard let parsed = URL(string: url), let scheme = parsed.scheme?.lowercased(), ["http", "https"].contains(scheme),
      let host = parsed.host(percentEncoded: false)?.lowercased(), !host.isEmpty, parsed.user == nil, parsed.password == nil
    else {
      throw ScimctlError(.usage, "the server must be a URL such as https://app.example.com, not '\(url.prefix(200))'")
    }
    return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(parsed.port.map { ":\($0)" } ?? "")"
  }

  /// The workspace of the token; nil for a deployment-wide token, and for one that is not in Rollcall's format.
  var workspace: WorkspaceID? {
    guard let workspace = AccessToken(token)?.workspace, workspace != .deployment else { return nil }
    return workspace
  }

  /// Whether others in the network can read the token.
  var isExposed: Bool {
    guard site.hasPrefix("http://") else { return false }
    let host = URL(string: site)?.host(percentEncoded: false) ?? ""
    return !(host == "localhost" || host.hasPrefix("127.") || host == "::1" || host == "[::1]")
  }
}
