import Credentials
import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import Models

/// The cookie that a browser shows its session with: `<id>.<secret>`.
///
/// Over TLS it has the prefix that makes browsers refuse one from a neighbouring host or from a connection without TLS, so that nobody can
/// slip a session of theirs to somebody else.
struct SessionCookie: Sendable, Hashable {
  let isSecure: Bool

  init(isSecure: Bool) {
    self.isSecure = isSecure
  }

  /// - Parameters:
  ///   - site: what the deployment's settings say of the host.
  ///   - origin: what the connection says.
  init(for site: Site, _ origin: Origin) {
    self.init(isSecure: origin.scheme == "https" || site.url.lowercased().hasPrefix("https:"))
  }

  var name: String { isSecure ? "__Host-rollcall_session" : "rollcall_session" }

  /// What the cookie of a request names; nil where it has none, or something that is no session's.
  func key(in request: Request) -> SessionKey? {
    request.cookies[name].flatMap { SessionKey($0.value) }
  }

  func isIn(_ request: Request) -> Bool { request.cookies[name] != nil }

  /// - Parameter seconds: until the session's end.
  func setting(_ key: SessionKey, for seconds: Int) -> HTTPField { field(key.text, for: max(1, seconds)) }

  var clearing: HTTPField { field("", for: 0) }

  private func field(_ value: String, for seconds: Int) -> HTTPField {
    HTTPField(
      name: .setCookie,
      value: "\(name)=\(value); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")")
  }
}

/// Which session, and the proof that it is the sender's.
struct SessionKey: Sendable, Hashable {
  let id: TokenID
  let secret: SessionSecret

  init(id: TokenID, secret: SessionSecret) {
    self.id = id
    self.secret = secret
  }

  /// nil where `text` is not of the form, or has a wrong checksum.
  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = TokenID(String(parts[0])), let secret = SessionSecret(String(parts[1])) else { return nil }
    self.init(id: id, secret: secret)
  }

  var text: String { "\(id).\(secret.text)" }
}
