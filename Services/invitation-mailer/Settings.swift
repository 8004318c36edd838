import MailTemplates
import ServiceKit

extension Setting {
  static let smtpURL = Setting(
    key: "smtp.url", help: "The mail server: smtp://host:port, or smtps://host:port for implicit TLS.", required: true,
    kind: .url)
  static let smtpUser = Setting(
    key: "smtp.user", help: "The user name at the mail server. Default: none, and the mailer does not authenticate.")
  static let smtpPassword = Setting(key: "smtp.password", help: "The password of smtp.user.", isSecret: true)
  static let smtpTLS = Setting(
    key: "smtp.tls", default: SMTPServer.TLS.opportunistic.rawValue,
    help: "TLS for smtp:// URLs: none, starttls (if the server offers it), or required (no mail without TLS).",
    kind: .choice(SMTPServer.TLS.allCases.map(\.rawValue)))
  static let smtpAuthentication = Setting(
    key: "smtp.authentication", default: "any",
    help: "The authentication method if smtp.user is set: any that the server offers, plain, or login.",
    kind: .choice(SMTPServer.Authentication.allCases.map(\.rawValue)))
  static let smtpAuthorities = Setting(
    key: "smtp.authorities", help: "A PEM file of certificate authorities to trust instead of the system's.")
  static let smtpConnections = Setting(
    key: "smtp.connections", default: "8", help: "The number of connections to the mail server. Each sends one mail at a time.",
    kind: .integer(1...64))
  static let smtpConnectTimeout = Setting(
    key: "smtp.connect-timeout", default: "15s", help: "How long connecting to the mail server may take, including TLS.", kind: .duration)
  static let smtpTimeout = Setting(
    key: "smtp.timeout", default: "60s", help: "How long sending one mail may take, including connecting.", kind: .duration)
  static let mailFrom = Setting(
    key: "mail.from", help: "The sender of invitations: invitations@example.com, or Rollcall <invitations@example.com>.", required: true)
  static let firstRetry = Setting(
    key: "mail.first-retry", default: "10s",
    help: "The delay before the first retry of a mail that the server rejected temporarily. It doubles with each attempt.", kind: .duration)
  static let longestRetry = Setting(
    key: "mail.longest-retry", default: "30m", help: "The longest delay between two attempts.", kind: .duration)
  static let giveUp = Setting(
    key: "mail.give-up", default: "24h", help: "How long temporarily rejected mails are retried before they count as failed.",
    kind: .duration)
  static let domainRate = Setting(
    key: "mail.domain-rate", default: "0", help: "The maximum number of mails per second to one recipient domain; 0 for no limit.",
    kind: .integer(0...100_000))
  static let noticeGathering = Setting(
    key: "mail.notice-gathering", default: "20s",
    help: "How long changes that wait for approval are collected before the administrator is mailed.", kind: .duration)
  static let noticeInterval = Setting(
    key: "mail.notice-interval", default: "10m",
    help: "The minimum time between two mails about held changes to the administrator of a workspace.", kind: .duration)
  static let operatorAddress = Setting(
    key: "mail.operator-address",
    help: "The address that is mailed about webhooks of the whole deployment, and about a workspace that has no address for notices. "
      + "Default: none, and nobody is mailed then.")
  static let appURL = Setting(
    key: "http.public-url",
    help: "Scheme and host of the deployment's console, the same as for scim-api. Mails about held changes link there, or to the "
      + "workspace's own domain if it has one. Default: none, and no link for workspaces without a domain.",
    kind: .url)
  static let maximumBatch = Setting(
    key: "mailer.batch", default: "512", help: "The maximum number of events in one transaction.", kind: .integer(1...100_000))

  /// The mailer's own settings, in the order of `--help`.
  static let mailer: [Setting] = [
    .smtpURL, .smtpUser, .smtpPassword, .smtpTLS, .smtpAuthentication, .smtpAuthorities, .smtpConnections, .smtpConnectTimeout,
    .smtpTimeout, .mailFrom,
    .firstRetry, .longestRetry, .giveUp, .domainRate, .noticeGathering, .noticeInterval, .operatorAddress,
    .appURL, .maximumBatch,
  ]
}

extension SMTPServer {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    let url = try settings.string(.smtpURL)
    guard ["smtp", "smtps"].contains(try settings.url(.smtpURL).scheme?.lowercased()) else {
      throw SettingsError(["\(Setting.smtpURL.environmentName) (smtp.url) must begin with smtp:// or smtps://, but '\(url)' does not"])
    }
    var credentials: Credentials?
    if let user = settings.optionalString(.smtpUser) {
      credentials = Credentials(username: user, password: try settings.string(.smtpPassword))
    }
    self.init(
      url: url, credentials: credentials, tls: TLS(rawValue: try settings.string(.smtpTLS).lowercased()) ?? .opportunistic,
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
    self.init(collectionPeriod: try settings.duration(.noticeGathering), interval: try settings.duration(.noticeInterval))
  }
}

extension RetrySchedule {
  init(_ settings: ServiceSettings) throws(SettingsError) {
    self.init(
      first: try settings.duration(.firstRetry), longest: try settings.duration(.longestRetry), giveUp: try settings.duration(.giveUp))
  }
}

extension ServiceSettings {
  /// The setting in whole seconds, and at least one: libcurl treats 0 as no limit.
  fileprivate func seconds(_ setting: Setting) throws(SettingsError) -> Int {
    max(1, Int(try duration(setting).components.seconds))
  }
}
