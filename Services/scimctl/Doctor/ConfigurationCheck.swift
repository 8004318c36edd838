import Foundation
import Models
import ServiceKit

/// Settings that contradict each other, and secrets that are known to everybody.
enum ConfigurationCheck {
  /// - Parameter settings: what is set, by the settings' keys.
  static func findings(_ settings: ServiceSettings) -> [Finding] {
    var findings: [Finding] = []
    for setting in Setting.secretsOfTheSuite {
      guard let value = settings.optionalString(setting) else { continue }
      guard let fault = PlaceholderSecrets.problem(withKey: value) else { continue }
      findings.append(
        .warn(
          "secrets", "\(setting.environmentName) \(fault); the services do not start with it",
          mend: "export \(setting.environmentName)=$(openssl rand -base64 32)"))
    }
    if let url = settings.optionalString(.databaseURL), let password = PlaceholderSecrets.password(inDatabaseURL: url),
      PlaceholderSecrets.isKnown(password: password)
    {
      findings.append(
        .warn(
          "secrets", "the password in ROLLCALL_DATABASE_URL is one that everybody knows; the services do not start with such a one",
          mend: "psql -c \"alter role scimctl password '…'\", and the other roles of ops/docker/passwords.sql"))
    }
    if settings.optionalString(.doctorSMTPUser) != nil, settings.optionalString(.doctorSMTPPassword) == nil {
      findings.append(
        .fail(
          "settings", "ROLLCALL_SMTP_USER is set and ROLLCALL_SMTP_PASSWORD is not: the mailer cannot log in",
          mend: "export ROLLCALL_SMTP_PASSWORD=…, for invitation-mailer as well"))
    }
    if settings.optionalString(.doctorSMTPUser) != nil, settings.optionalString(.doctorSMTPTLS)?.lowercased() == "none",
      settings.optionalString(.doctorSMTPURL)?.lowercased().hasPrefix("smtp://") == true
    {
      findings.append(
        .warn(
          "settings", "the mailer logs in over a connection without TLS: its password can be read on the way",
          mend: "export ROLLCALL_SMTP_TLS=required"))
    }
    if settings.optionalString(.scimURL) == nil {
      findings.append(
        .warn(
          "settings", "ROLLCALL_SCIM_URL is not set: 'log replay' has no place to send to",
          mend: "export ROLLCALL_SCIM_URL=https://…/api/v2/scim/"))
    }
    return findings.isEmpty ? [.ok("settings", "complete and without contradiction")] : findings
  }
}

extension Setting {
  static let tombstoneKey = Setting(key: "tombstone.key", help: "The same as for identity-store. Only 'doctor' reads it.", isSecret: true)
  static let cursorKey = Setting(key: "cursor.key", help: "The same as for scim-api. Only 'doctor' reads it.", isSecret: true)
  static let doctorSMTPURL = Setting(
    key: "smtp.url", help: "The same as for invitation-mailer. Only 'doctor' reads it, and connects to the server.", kind: .url)
  static let doctorSMTPUser = Setting(key: "smtp.user", help: "The same as for invitation-mailer. Only 'doctor' reads it.")
  static let doctorSMTPPassword = Setting(
    key: "smtp.password", help: "The same as for invitation-mailer. Only 'doctor' reads it.", isSecret: true)
  static let doctorSMTPTLS = Setting(
    key: "smtp.tls", default: "starttls", help: "The same as for invitation-mailer. Only 'doctor' reads it.",
    kind: .choice(["none", "starttls", "required"]))
  static let doctorSMTPAuthorities = Setting(key: "smtp.authorities", help: "The same as for invitation-mailer. Only 'doctor' reads it.")

  fileprivate static let secretsOfTheSuite = [tombstoneKey, cursorKey]

  /// What `doctor` reads beside what every command does.
  static let doctor = [
    scimURL, tombstoneKey, cursorKey, doctorSMTPURL, doctorSMTPUser, doctorSMTPPassword, doctorSMTPTLS, doctorSMTPAuthorities,
  ]
}
