import Configuration
import Foundation

/// The values of a process's settings, from the environment and a JSON file.
///
/// Environment variables take precedence over the file, and the file over defaults. `ROLLCALL_CONFIG_FILE` names the file; its keys are the
/// settings' keys, dotted or nested. Every value is validated against its ``Setting/Kind`` when it is read.
public struct ServiceSettings: Sendable {
  /// The name of the service, `scim-api`.
  public let service: String
  /// All settings of the process.
  public let settings: [Setting]
  /// Sentences about settings that have no effect, for the log.
  public let warnings: [String]
  private let values: [String: String]

  /// Reads and validates the settings.
  ///
  /// - Throws: ``SettingsError`` with all problems.
  public static func read(
    service: String, settings: [Setting], environment: [String: String] = ProcessInfo.processInfo.environment
  ) async throws(SettingsError) -> ServiceSettings {
    let environmentProvider = EnvironmentVariablesProvider(
      environmentVariables: environment.filter { !$0.value.isEmpty },
      secretsSpecifier: .specific(Set(settings.filter(\.isSecret).map(\.environmentName)))
    ).prefixKeys(with: "rollcall")
    var reader = ConfigReader(provider: environmentProvider)
    if let path = reader.string(forKey: ConfigKey(Setting.configurationFile.key)) {
      let file = try await configurationFile(path, secrets: Set(settings.filter(\.isSecret).map(\.key)))
      reader = ConfigReader(providers: [environmentProvider, file])
    }
    var values: [String: String] = [:]
    var problems: [String] = []
    for setting in settings {
      do {
        guard let value = try text(of: setting, in: reader) ?? setting.default else {
          if setting.required { problems.append("\(setting.environmentName) (\(setting.key)) is not set. \(setting.help)") }
          continue
        }
        if !setting.kind.accepts(value) {
          problems.append(SettingsError.malformedProblem(setting, value, setting.kind.expectation))
        }
        values[setting.key] = value
      } catch {
        problems += error.problems
      }
    }
    var warnings: [String] = []
    for former in FormerSetting.all {
      switch former.finding(among: settings, isSet: { isSet($0, in: reader) }) {
      case .problem(let text): problems.append(text)
      case .warning(let text): warnings.append(text)
      case nil: break
      }
    }
    guard problems.isEmpty else { throw SettingsError(problems) }
    return ServiceSettings(service: service, settings: settings, warnings: warnings, values: values)
  }

  /// Whether a key has a value of any JSON type.
  private static func isSet(_ key: String, in reader: ConfigReader) -> Bool {
    let key = ConfigKey(key)
    return reader.string(forKey: key) != nil || reader.double(forKey: key) != nil || reader.int(forKey: key) != nil
      || reader.bool(forKey: key) != nil
  }

  private static func configurationFile(_ path: String, secrets: Set<String>) async throws(SettingsError) -> FileProvider<JSONSnapshot> {
    do {
      return try await FileProvider<JSONSnapshot>(
        parsingOptions: .init(secretsSpecifier: .specific(secrets)), filePath: .init(path))
    } catch {
      throw SettingsError(["\(Setting.configurationFile.environmentName): the file '\(path)' cannot be read as JSON: \(error)"])
    }
  }

  /// The value as text, whatever its JSON type in the file; for a secret also the content of the file that `<NAME>_FILE` names.
  private static func text(of setting: Setting, in reader: ConfigReader) throws(SettingsError) -> String? {
    let key = ConfigKey(setting.key)
    // The provider does not convert types: JSON numbers and Booleans are not strings, and Booleans are also numbers.
    if let text = reader.string(forKey: key, isSecret: setting.isSecret) { return text }
    if setting.kind == .flag, let flag = reader.bool(forKey: key) { return flag ? "true" : "false" }
    if let number = reader.int(forKey: key) { return String(number) }
    if let number = reader.double(forKey: key) { return String(number) }
    if let list = reader.stringArray(forKey: key) { return list.joined(separator: ",") }
    guard setting.isSecret, let path = reader.string(forKey: ConfigKey(setting.fileKey)) else { return nil }
    do {
      return try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
      throw SettingsError(["\(setting.fileEnvironmentName) (\(setting.fileKey)): the file '\(path)' cannot be read"])
    }
  }
}

extension ServiceSettings {
  /// The value of a setting as text.
  ///
  /// - Throws: ``SettingsError`` if there is neither a value nor a default.
  public func string(_ setting: Setting) throws(SettingsError) -> String {
    guard let value = values[setting.key] else {
      throw SettingsError(["\(setting.environmentName) (\(setting.key)) is not set. \(setting.help)"])
    }
    return value
  }

  /// The value of a setting as text; nil if there is neither a value nor a default.
  public func optionalString(_ setting: Setting) -> String? {
    values[setting.key]
  }

  /// The value of a setting as a whole number.
  ///
  /// - Throws: ``SettingsError`` if the value is missing or malformed.
  public func integer(_ setting: Setting) throws(SettingsError) -> Int {
    let text = try string(setting)
    guard let value = Int(text) else { throw .malformed(setting, text, "a whole number") }
    return value
  }

  /// The value of a setting as a Boolean.
  ///
  /// - Throws: ``SettingsError`` if the value is missing or malformed.
  public func bool(_ setting: Setting) throws(SettingsError) -> Bool {
    let text = try string(setting)
    guard let value = SettingParser.flag(text) else { throw .malformed(setting, text, Setting.Kind.flag.expectation) }
    return value
  }

  /// The value of a setting as a duration.
  ///
  /// - Throws: ``SettingsError`` if the value is missing or malformed.
  public func duration(_ setting: Setting) throws(SettingsError) -> Duration {
    let text = try string(setting)
    guard let value = SettingParser.duration(text) else { throw .malformed(setting, text, Setting.Kind.duration.expectation) }
    return value
  }

  /// The value of a setting as an absolute URL.
  ///
  /// - Throws: ``SettingsError`` if the value is missing or malformed.
  public func url(_ setting: Setting) throws(SettingsError) -> URL {
    let text = try string(setting)
    guard let value = SettingParser.url(text) else { throw .malformed(setting, text, Setting.Kind.url.expectation) }
    return value
  }

  /// The value of a setting as `name=value` pairs, separated by commas or, in a file, by line ends; empty if there is no value.
  ///
  /// - Throws: ``SettingsError`` if a pair is malformed.
  public func pairs(_ setting: Setting) throws(SettingsError) -> [String: String] {
    guard let text = optionalString(setting) else { return [:] }
    guard let value = SettingParser.pairs(text) else {
      throw .malformed(setting, text, "name=value pairs, separated by commas (one a line where they are in a file)")
    }
    return value
  }
}

extension ServiceSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// All settings with their values; values of secrets are replaced.
  public var description: String {
    let shown = settings.map { setting in
      "\(setting.key)=\(values[setting.key].map { setting.isSecret ? "(secret)" : $0 } ?? "(not set)")"
    }
    return "\(service): \(shown.joined(separator: ", "))"
  }

  /// The same as ``description``.
  public var debugDescription: String { description }

  /// A mirror without children, so that `dump` does not show secrets.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
