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
  static let all: [Setting] = common + CommonSettings.kafka + [.publicURL] + Setting.doctor

  /// The settings that every command reads.
  private static let common: [Setting] = [.configurationFile, .databaseURL, .workspace, .operatorName]

  /// Reads the settings of a command that changes nothing.
  static func forReading() async throws(SettingsError) -> ServiceSettings {
    try await read([])
  }

  /// Reads the settings of a command that changes something.
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
