import Credentials
import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird
import Models

/// The session cookie. Its value is `<id>.<secret>`.
///
/// Over TLS its name has the prefix `__Host-`: browsers reject such a cookie from another host or from a connection without TLS, which prevents
/// session fixation.
struct SessionCookie: Sendable, Hashable {
  let isSecure: Bool

  init(isSecure: Bool) {
    self.isSecure = isSecure
  }

  /// The cookie for a host: secure if its public URL or the connection uses TLS.
  init(for site: Site, _ origin: Origin) {
    self.init(isSecure: origin.scheme == "https" || site.url.lowercased().hasPrefix("https:"))
  }

  /// The name of the cookie.
  var name: String { isSecure ? "__Host-rollcall_session" : "rollcall_session" }

  /// The session key in the cookie of a request; nil if the cookie is missing or malformed.
  func key(in request: Request) -> SessionKey? {
    request.cookies[name].flatMap { SessionKey($0.value) }
  }

  /// Whether a request has the cookie.
  func isIn(_ request: Request) -> Bool { request.cookies[name] != nil }

  /// The field that sets the cookie.
  ///
  /// - Parameter seconds: the lifetime of the cookie.
  func setting(_ key: SessionKey, for seconds: Int) -> HTTPField { field(key.text, for: max(1, seconds)) }

  /// The field that removes the cookie.
  var clearing: HTTPField { field("", for: 0) }

  private func field(_ value: String, for seconds: Int) -> HTTPField {
    HTTPField(
      name: .setCookie,
      value: "\(name)=\(value); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")")
  }
}

/// The id of a session and its secret.
struct SessionKey: Sendable, Hashable {
  let id: TokenID
  let secret: SessionSecret

  init(id: TokenID, secret: SessionSecret) {
    self.id = id
    self.secret = secret
  }

  /// nil if `text` is malformed or has a wrong checksum.
  init?(_ text: String) {
    let components = text.split(separator: ".", omittingEmptySubsequences: false)
    guard components.count == 2, let id = TokenID(String(components[0])), let secret = SessionSecret(String(components[1])) else {
      return nil
    }
    self.init(id: id, secret: secret)
  }

  /// The value of the cookie.
  var text: String { "\(id).\(secret.text)" }
}
