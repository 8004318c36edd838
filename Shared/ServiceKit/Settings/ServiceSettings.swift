import Configuration
import Foundation

/// The settings of one process, read from the environment and from a JSON file.
///
/// The environment wins over the file, the file over the defaults. The file is the one that `ROLLCALL_CONFIG_FILE` names; its keys are
/// the settings' keys, dotted or nested. Every value was checked against its ``Setting/Kind`` when it was read.
public struct ServiceSettings: Sendable {
  /// The process's name, `scim-api`.
  public let service: String
  /// Every setting that the process has.
  public let settings: [Setting]
  private let values: [String: String]

  /// Reads the settings.
  ///
  /// - Throws: ``SettingsError`` with all that is wrong at once.
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
    guard problems.isEmpty else { throw SettingsError(problems) }
    return ServiceSettings(service: service, settings: settings, values: values)
  }

  private static func configurationFile(_ path: String, secrets: Set<String>) async throws(SettingsError) -> FileProvider<JSONSnapshot> {
    do {
      return try await FileProvider<JSONSnapshot>(
        parsingOptions: .init(secretsSpecifier: .specific(secrets)), filePath: .init(path))
    } catch {
      throw SettingsError(["\(Setting.configurationFile.environmentName): the file '\(path)' cannot be read as JSON: \(error)"])
    }
  }

  /// The value as text, whatever JSON type the file gives it; for a secret also the content of the file that is named in its place.
  private static func text(of setting: Setting, in reader: ConfigReader) throws(SettingsError) -> String? {
    let key = ConfigKey(setting.key)
    // Only the provider knows the type of a value. JSON's numbers and booleans are no strings to it, and booleans are numbers.
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
  /// A value that has to be there.
  ///
  /// - Throws: ``SettingsError`` where neither a value nor a default is given, or the setting is not one of the process's.
  public func string(_ setting: Setting) throws(SettingsError) -> String {
    guard let value = values[setting.key] else {
      throw SettingsError(["\(setting.environmentName) (\(setting.key)) is not set. \(setting.help)"])
    }
    return value
  }

  /// A value that may be absent.
  public func optionalString(_ setting: Setting) -> String? {
    values[setting.key]
  }

  /// - Throws: ``SettingsError`` where the value is absent or not a whole number.
  public func integer(_ setting: Setting) throws(SettingsError) -> Int {
    let text = try string(setting)
    guard let value = Int(text) else { throw .malformed(setting, text, "a whole number") }
    return value
  }

  /// - Throws: ``SettingsError`` where the value is absent or neither true nor false.
  public func bool(_ setting: Setting) throws(SettingsError) -> Bool {
    let text = try string(setting)
    guard let value = SettingText.flag(text) else { throw .malformed(setting, text, Setting.Kind.flag.expectation) }
    return value
  }

  /// - Throws: ``SettingsError`` where the value is absent or not a time.
  public func duration(_ setting: Setting) throws(SettingsError) -> Duration {
    let text = try string(setting)
    guard let value = SettingText.duration(text) else { throw .malformed(setting, text, Setting.Kind.duration.expectation) }
    return value
  }

  /// - Throws: ``SettingsError`` where the value is absent or not an absolute URL.
  public func url(_ setting: Setting) throws(SettingsError) -> URL {
    let text = try string(setting)
    guard let value = SettingText.url(text) else { throw .malformed(setting, text, Setting.Kind.url.expectation) }
    return value
  }

  /// `name=value` pairs, separated by commas or, in a file, by line ends; none where the setting is absent.
  ///
  /// - Throws: ``SettingsError`` where a part of it is no pair.
  public func pairs(_ setting: Setting) throws(SettingsError) -> [String: String] {
    guard let text = optionalString(setting) else { return [:] }
    guard let value = SettingText.pairs(text) else {
      throw .malformed(setting, text, "name=value pairs, separated by commas (one a line where they are in a file)")
    }
    return value
  }
}

extension ServiceSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Every setting with its value, of secrets only whether there is one.
  public var description: String {
    let shown = settings.map { setting in
      "\(setting.key)=\(values[setting.key].map { setting.isSecret ? "(secret)" : $0 } ?? "(not set)")"
    }
    return "\(service): \(shown.joined(separator: ", "))"
  }

  public var debugDescription: String { description }

  /// Nothing, so that no dump shows a secret.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
