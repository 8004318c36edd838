/// Where and how mails are handed over.
struct SMTPServer: Sendable, Hashable {
  /// `smtp://host:port` or, with TLS from the first octet, `smtps://host:port`.
  let url: String
  let credentials: Authenticator?
  let tls: TLS
  let authentication: Authentication
  /// PEM file of the authorities to trust instead of the system's.
  let authorities: String?
  /// Seconds for connecting, TLS and greeting.
  let connectTimeout: Int
  /// Seconds for a whole mail, connecting included.
  let timeout: Int

  init(
    url: String, credentials: Authenticator? = nil, tls: TLS = .whereOffered, authentication: Authentication = .any,
    authorities: String? = nil,
    connectTimeout: Int = 15, timeout: Int = 60
  ) {
    self.url = url
    self.credentials = credentials
    self.tls = tls
    self.authentication = authentication
    self.authorities = authorities
    self.connectTimeout = connectTimeout
    self.timeout = timeout
  }

  struct Authenticator: Sendable, Hashable {
    let username: String
    let password: String
  }

  /// The mechanism of SMTP AUTH (RFC 4954).
  enum Authentication: String, Sendable, Hashable, CaseIterable {
    /// The best that both sides know.
    case any
    /// RFC 4616.
    case plain
    case login
  }

  /// STARTTLS (RFC 3207) on `smtp://`. `smtps://` always has TLS. Wherever there is TLS, the certificate is checked.
  enum TLS: String, Sendable, Hashable, CaseIterable {
    case none
    /// Where the server offers it.
    case whereOffered = "starttls"
    /// No mail without it.
    case required
  }
}
