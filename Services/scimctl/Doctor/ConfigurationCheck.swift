import Foundation
import Models
import ServiceKit

/// Checks for contradictory settings and for secrets from examples.
enum ConfigurationCheck {
  /// Checks the settings of scimctl and, if they are set, those of the services.
  static func findings(_ settings: ServiceSettings) -> [Finding] {
    var findings: [Finding] = []
    for setting in Setting.secrets {
      guard let value = settings.optionalString(setting) else { continue }
      guard let fault = PlaceholderSecrets.problem(withKey: value) else { continue }
      findings.append(
        .warn(
          "secrets", "\(setting.environmentName) \(fault); the services do not start with it",
          fix: "export \(setting.environmentName)=$(openssl rand -base64 32)"))
    }
    if let url = settings.optionalString(.databaseURL), let password = PlaceholderSecrets.password(inDatabaseURL: url),
      PlaceholderSecrets.isKnown(password: password)
    {
      findings.append(
        .warn(
          "secrets", "the password in ROLLCALL_DATABASE_URL is from an example; the services do not start with it",
          fix: "psql -c \"alter role scimctl password '…'\", and the other roles of ops/docker/passwords.sql"))
    }
    if settings.optionalString(.doctorSMTPUser) != nil, settings.optionalString(.doctorSMTPPassword) == nil {
      findings.append(
        .fail(
          "settings", "ROLLCALL_SMTP_USER is set and ROLLCALL_SMTP_PASSWORD is not: the mailer cannot log in",
          fix: "export ROLLCALL_SMTP_PASSWORD=…, for invitation-mailer as well"))
    }
    if settings.optionalString(.doctorSMTPUser) != nil, settings.optionalString(.doctorSMTPTLS)?.lowercased() == "none",
      settings.optionalString(.doctorSMTPURL)?.lowercased().hasPrefix("smtp://") == true
    {
      findings.append(
        .warn(
          "settings", "the mailer logs in over a connection without TLS: its password can be intercepted",
          fix: "export ROLLCALL_SMTP_TLS=required"))
    }
    if settings.optionalString(.scimURL) == nil {
      findings.append(
        .warn(
          "settings", "ROLLCALL_SCIM_URL is not set: 'log replay' cannot send requests",
          fix: "export ROLLCALL_SCIM_URL=https://…/api/v2/scim/"))
    }
    return findings.isEmpty ? [.ok("settings", "complete and consistent")] : findings
  }
}

extension Setting {
  /// identity-store's key for tombstones.
  static let tombstoneKey = Setting(key: "tombstone.key", help: "The same as for identity-store. Only 'doctor' reads it.", isSecret: true)
  /// identity-store's former key for tombstones.
  static let tombstoneFormerKey = Setting(
    key: "tombstone.former-key", help: "The same as for identity-store. Only 'doctor' reads it.", isSecret: true)
  /// scim-api's key for cursors.
  static let cursorKey = Setting(key: "cursor.key", help: "The same as for scim-api. Only 'doctor' reads it.", isSecret: true)
  /// The mail server.
  static let doctorSMTPURL = Setting(
    key: "smtp.url", help: "The same as for invitation-mailer. Only 'doctor' reads it, and connects to the server.", kind: .url)
  static let doctorSMTPUser = Setting(key: "smtp.user", help: "The same as for invitation-mailer. Only 'doctor' reads it.")
  static let doctorSMTPPassword = Setting(
    key: "smtp.password", help: "The same as for invitation-mailer. Only 'doctor' reads it.", isSecret: true)
  static let doctorSMTPTLS = Setting(
    key: "smtp.tls", default: "starttls", help: "The same as for invitation-mailer. Only 'doctor' reads it.",
    kind: .choice(["none", "starttls", "required"]))
  static let doctorSMTPAuthorities = Setting(key: "smtp.authorities", help: "The same as for invitation-mailer. Only 'doctor' reads it.")

  fileprivate static let secrets = [tombstoneKey, cursorKey]

  /// The settings that only `doctor` reads.
  static let doctor = [
    scimURL, tombstoneKey, tombstoneFormerKey, cursorKey, doctorSMTPURL, doctorSMTPUser, doctorSMTPPassword, doctorSMTPTLS,
    doctorSMTPAuthorities,
  ]
}
