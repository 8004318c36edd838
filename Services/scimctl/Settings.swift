import ArgumentParser
import Foundation
import Kafka
import ServiceKit

extension Setting {
  static let scimURL = Setting(
    key: "scim.url", help: "The SCIM base URL, to which 'log replay' sends: https://app.example.com/api/v2/scim/", kind: .url)
  static let publicURL = Setting(
    key: "http.public-url", help: "Scheme and host of the deployment, the same as for scim-api, for links into the console.",
    kind: .url)
  static let operatorName = Setting(
    key: "operator", help: "Your name in the audit trail; the option --as takes precedence. Default: your login name.")
  /// Also names the option in its place.
  static let workspace = Setting(
    key: "workspace", help: "The slug of the workspace that commands use; the option --workspace takes precedence.")
}

/// `scimctl settings`: the settings as JSON, as `--settings` of the services prints theirs.
struct SettingsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settings", abstract: "Print every setting that scimctl reads, as JSON.")

  func run() throws {
    print(try SettingsList(executable: "scimctl", settings: Settings.all).json())
  }
}

/// The settings of one run.
enum Settings {
  /// The settings of all commands.
  static let all: [Setting] = common + CommonSettings.kafka + [.publicURL] + Setting.doctor

  /// The settings that every command reads.
  private static let common: [Setting] = [.configurationFile, .databaseURL, .workspace, .operatorName]

  /// What a command that only reads needs.
  static func forReading() async throws(SettingsError) -> ServiceSettings {
    try await read([])
  }

  /// What a command that changes something needs.
  static func forWriting() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka)
  }

  /// What sending a request again needs.
  static func forReplaying() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka + [.scimURL])
  }

  /// What making a link into the console needs.
  static func forLinking() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka + [.scimURL, .publicURL])
  }

  /// What `doctor` looks at.
  static func forDoctor() async throws(SettingsError) -> ServiceSettings {
    try await read(CommonSettings.kafka + Setting.doctor)
  }

  private static func read(_ more: [Setting]) async throws(SettingsError) -> ServiceSettings {
    try await ServiceSettings.read(service: "scimctl", settings: common + more)
  }
}

extension ServiceSettings {
  /// Where the brokers are.
  var kafkaConfiguration: KafkaConfiguration {
    get throws(SettingsError) {
      try kafka(clientID: service)
    }
  }
}
