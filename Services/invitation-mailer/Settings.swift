import MailTemplates
import ServiceKit

extension Setting {
  static let smtpURL = Setting(
    key: "smtp.url", help: "The mail server: smtp://host:port, or smtps://host:port for TLS from the first octet.", required: true,
    kind: .url)
  static let smtpUser = Setting(key: "smtp.user", help: "The user name at the mail server; without one the mailer does not log in.")
  static let smtpPassword = Setting(key: "smtp.password", help: "The password of smtp.user.", isSecret: true)
  static let smtpTLS = Setting(
    key: "smtp.tls", default: SMTPServer.TLS.whereOffered.rawValue,
    help: "TLS on smtp:// URLs: none, starttls (where the server offers it), or required (no mail without).",
    kind: .choice(SMTPServer.TLS.allCases.map(\.rawValue)))
  static let smtpAuthentication = Setting(
    key: "smtp.authentication", default: "any", help: "How to log in where smtp.user is set: any that the server offers, plain, or login.",
    kind: .choice(SMTPServer.Authentication.allCases.map(\.rawValue)))
  static let smtpAuthorities = Setting(
    key: "smtp.authorities", help: "A PEM file of the certificate authorities to trust instead of the system's.")
  static let smtpConnections = Setting(
    key: "smtp.connections", default: "8", help: "Connections to the mail server, each of which sends one mail at a time.",
    kind: .integer(1...64))
  static let smtpConnectTimeout = Setting(
    key: "smtp.connect-timeout", default: "15s", help: "How long connecting to the mail server may take, TLS included.", kind: .duration)
  static let smtpTimeout = Setting(
    key: "smtp.timeout", default: "60s", help: "How long handing one mail over may take, connecting included.", kind: .duration)
  static let mailFrom = Setting(
    key: "mail.from", help: "The sender of invitations: invitations@example.com, or Rollcall <invitations@example.com>.", required: true)
  static let firstRetry = Setting(
    key: "mail.first-retry", default: "10s",
    help: "After how long a mail is tried again that the server refused for now; doubles with each attempt.", kind: .duration)
  static let longestRetry = Setting(
    key: "mail.longest-retry", default: "30m", help: "The most that the time between two attempts grows to.", kind: .duration)
  static let giveUp = Setting(
    key: "mail.give-up", default: "24h", help: "For how long a mail is tried that the server refuses for now, before it counts as failed.",
    kind: .duration)
  static let domainRate = Setting(
    key: "mail.domain-rate", default: "0", help: "Most mails a second to one recipient domain; 0 for as many as the connections take.",
    kind: .integer(0...100_000))
  static let noticeGathering = Setting(
    key: "mail.notice-gathering", default: "20s",
    help: "For how long changes that wait for approval are gathered before an administrator is mailed.", kind: .duration)
  static let noticeInterval = Setting(
    key: "mail.notice-interval", default: "10m",
    help: "The least time between two mails about held changes to the administrator of a workspace.", kind: .duration)
  static let appURL = Setting(
    key: "http.public-url",
    help: "Scheme and host of the deployment's own, where the console is: scim-api's setting of the same name. Mails about held changes "
      + "link there, or to the workspace's own domain where it has one. Default: none, and no link for workspaces without a domain.",
    kind: .url)
  static let maximumBatch = Setting(
    key: "mailer.batch", default: "512", help: "Most events in one transaction.", kind: .integer(1...100_000))

  /// What the mailer has beyond the common settings, in the order in which `--help` lists them.
  static let mailer: [Setting] = [
    .smtpURL, .smtpUser, .smtpPassword, .smtpTLS, .smtpAuthentication, .smtpAuthorities, .smtpConnections, .smtpConnectTimeout,
    .smtpTimeout, .mailFrom,
    .firstRetry, .longestRetry, .giveUp, .domainRate, .noticeGathering, .noticeInterval, .appURL, .maximumBatch,
  ]
}

extension SMTPServer {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    let url = try settings.string(.smtpURL)
    guard ["smtp", "smtps"].contains(try settings.url(.smtpURL).scheme?.lowercased()) else {
      throw SettingsError(["\(Setting.smtpURL.environmentName) (smtp.url) must begin with smtp:// or smtps://, but '\(url)' does not"])
    }
    var credentials: Authenticator?
    if let user = settings.optionalString(.smtpUser) {
      credentials = Authenticator(username: user, password: try settings.string(.smtpPassword))
    }
    self.init(
      url: url, credentials: credentials, tls: TLS(rawValue: try settings.string(.smtpTLS).lowercased()) ?? .whereOffered,
      authentication: Authentication(rawValue: try settings.string(.smtpAuthentication).lowercased()) ?? .any,
      authorities: settings.optionalString(.smtpAuthorities), connectTimeout: try settings.seconds(.smtpConnectTimeout),
      timeout: try settings.seconds(.smtpTimeout))
  }
}

extension MailAddress {
  init(_ settings: ServiceSettings, _ setting: Setting) throws(SettingsError) {
    let text = try settings.string(setting)
    guard let address = MailAddress(parsing: text), address.isASCII else {
      throw SettingsError([
        """
        \(setting.environmentName) (\(setting.key)) must be an address such as invitations@example.com or \
        Rollcall <invitations@example.com>, but '\(text.prefix(200))' is not
        """
      ])
    }
    self = address
  }
}

extension DomainRateLimiter {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    let rate = try settings.integer(.domainRate)
    self.init(rate: rate == 0 ? nil : Double(rate))
  }
}

extension NoticeThrottle {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    self.init(gathering: try settings.duration(.noticeGathering), interval: try settings.duration(.noticeInterval))
  }
}

extension RetrySchedule {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    self.init(
      first: try settings.duration(.firstRetry), longest: try settings.duration(.longestRetry), giveUp: try settings.duration(.giveUp))
  }
}

extension ServiceSettings {
  /// libcurl counts whole seconds, and takes 0 for no limit.
  fileprivate func seconds(_ setting: Setting) throws(SettingsError) -> Int {
    max(1, Int(try duration(setting).components.seconds))
  }
}
