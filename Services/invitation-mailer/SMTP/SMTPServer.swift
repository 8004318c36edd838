/// The SMTP server and how to connect to it.
struct SMTPServer: Sendable, Hashable {
  /// `smtp://host:port`, or `smtps://host:port` for implicit TLS.
  let url: String
  let credentials: Credentials?
  let tls: TLS
  let authentication: Authentication
  /// A PEM file of certificate authorities to trust instead of the system's.
  let authorities: String?
  /// The time limit for connecting, including TLS and the greeting, in seconds.
  let connectTimeout: Int
  /// The time limit for a mail, including connecting, in seconds.
  let timeout: Int

  init(
    url: String, credentials: Credentials? = nil, tls: TLS = .opportunistic, authentication: Authentication = .any,
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

  /// The user name and password for SMTP AUTH.
  struct Credentials: Sendable, Hashable {
    let username: String
    let password: String
  }

  /// The mechanism of SMTP AUTH (RFC 4954).
  enum Authentication: String, Sendable, Hashable, CaseIterable {
    /// The best mechanism that both sides support.
    case any
    /// RFC 4616
    case plain
    case login
  }

  /// The use of STARTTLS (RFC 3207) for `smtp://`; `smtps://` always uses TLS. The certificate is always verified.
  enum TLS: String, Sendable, Hashable, CaseIterable {
    case none
    /// Uses TLS if the server offers it.
    case opportunistic = "starttls"
    /// Sends no mail without TLS.
    case required
  }
}
