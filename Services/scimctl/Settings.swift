import ArgumentParser
import Foundation
import Kafka
import ServiceKit

extension Setting {
  static let scimURL = Setting(
    key: "scim.url", help: "The SCIM base URL for 'log replay', such as https://app.example.com/api/v2/scim/.", kind: .url)
  static let publicURL = Setting(
    key: "http.public-url", help: "Scheme and host of the deployment, the same as for scim-api, for links into the console.",
    kind: .url)
  static let operatorName = Setting(
    key: "operator", help: "Your name in the audit trail; the option --as takes precedence. Default: your login name.")
  static let server = Setting(
    key: "server", help: "The server whose management API commands use, such as https://app.example.com; --server takes precedence.",
    kind: .url)
  static let serverToken = Setting(
    key: "token", help: "The token for ROLLCALL_SERVER or --server, with the scope admin; --token takes precedence.", isSecret: true)
  static let serverProfile = Setting(
    key: "server.profile", help: "The profile of 'scimctl login' that commands use; --server-profile takes precedence.")
  static let serverAuthorities = Setting(
    key: "server.authorities",
    help: "The path of a PEM file with the certificate authorities of the server, instead of those of the system.")
  /// ROLLCALL_DATABASE_URL for commands that may use a server instead.
  static let optionalDatabaseURL = Setting(key: databaseURL.key, help: databaseURL.help, isSecret: true)
  static let workspace = Setting(
    key: "workspace", help: "The slug of the workspace that commands use; the option --workspace takes precedence.")
}

/// `scimctl settings`, which prints the settings as JSON, as `--settings` of the services does.
struct SettingsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settings", abstract: "Print every setting that scimctl reads, as JSON.")

  func run() throws {
    print(try SettingsList(executable: "scimctl", settings: Settings.all).json())
  }
}

/// The settings of scimctl, by what a command needs.
enum Settings {
  /// Every setting of scimctl.
  static let all: [Setting] =
    [.configurationFile, .server, .serverToken, .serverProfile, .serverAuthorities, .databaseURL, .workspace, .operatorName]
    + CommonSettings.kafka + [.publicURL] + Setting.doctor

  /// Reads the settings that say how to reach the deployment.
  static func forConnection() async throws(SettingsError) -> ServiceSettings {
    try await ServiceSettings.read(
      service: "scimctl",
      settings: [
        .configurationFile, .server, .serverToken, .serverProfile, .serverAuthorities, .optionalDatabaseURL, .workspace, .operatorName,
      ])
  }

  /// The settings that every command with the database reads.
  private static let common: [Setting] = [.configurationFile, .databaseURL, .workspace, .operatorName]

  /// Reads the settings of a command that changes nothing, with the database.
  static func forReading() async throws(SettingsError) -> ServiceSettings {
    try await read([])
  }

  /// Reads the settings of a command that changes something, with the database and Kafka.
  static func forWriting() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka)
  }

  /// Reads the settings of `log replay`.
  static func forReplaying() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka + [.scimURL])
  }

  /// Reads the settings of `console link`.
  static func forConsoleLinks() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka + [.scimURL, .publicURL])
  }

  /// Reads the settings of `doctor`.
  static func forDoctor() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka + Setting.doctor)
  }

  private static func read(_ more: [Setting]) async throws(SettingsError) -> ServiceSettings {
    try await ServiceSettings.read(service: "scimctl", settings: common + more)
  }
}

extension ServiceSettings {
  /// How to connect to Kafka.
  var kafkaConfiguration: KafkaConfiguration {
    get throws(SettingsError) {
      try kafka(clientID: service)
    }
  }
}
