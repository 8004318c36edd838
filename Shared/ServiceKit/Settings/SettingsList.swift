import Foundation

/// The settings of an executable as JSON. The option `--settings` prints it; `ops/local/configuration.py` generates
/// `ops/docs/configuration.md` from it.
public struct SettingsList: Encodable, Sendable {
  /// The name of the executable, `scim-api`.
  let executable: String
  let version: String
  /// In the order in which `--help` lists them.
  let settings: [Entry]

  /// One setting as operators see it.
  struct Entry: Encodable, Sendable {
    /// The environment variable, `ROLLCALL_HTTP_PORT`.
    let name: String
    /// The key in the configuration file, `http.port`.
    let key: String
    /// The value if none is set; nil if there is none.
    let `default`: String?
    /// What a value has to look like, `a whole number from 1 to 1000`.
    let value: String
    let help: String
    let required: Bool
    let secret: Bool
  }

  /// Lists `settings`; a setting that occurs twice is listed once.
  public init(executable: String, settings: [Setting]) {
    self.executable = executable
    version = BuildVersion.release
    var listed: Set<String> = []
    self.settings = settings.filter { listed.insert($0.key).inserted }.map { setting in
      Entry(
        name: setting.environmentName, key: setting.key, default: setting.default, value: setting.kind.expectation, help: setting.help,
        required: setting.required, secret: setting.isSecret)
    }
  }

  /// The list as indented JSON with sorted keys.
  ///
  /// - Throws: `EncodingError`.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
