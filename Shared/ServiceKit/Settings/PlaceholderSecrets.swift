import Foundation

/// Secrets that are no secrets: those that stand in examples, and keys that are short enough to guess.
public enum PlaceholderSecrets {
  /// The fewest bytes of a key.
  public static let minimumKeyLength = 16

  /// What is wrong with a key, to stand behind its name; nil where nothing is.
  public static func fault(inKey key: String) -> String? {
    if key.lowercased().hasPrefix(examplePrefix) || knownPasswords.contains(key.lowercased()) {
      return "has a value that stands in examples, for everybody to read"
    }
    let length = key.utf8.count
    return length < minimumKeyLength ? "has \(length) bytes and can be guessed; at least \(minimumKeyLength) are needed" : nil
  }

  /// Whether a password is one that everybody tries first.
  public static func isKnown(password: String) -> Bool {
    knownPasswords.contains(password.lowercased()) || password.lowercased().hasPrefix(examplePrefix)
  }

  /// The password in a libpq connection string, a URL or `key=value` pairs; nil where there is none.
  public static func password(inDatabaseURL url: String) -> String? {
    if url.contains("://") {
      let components = URLComponents(string: url)
      return components?.password ?? components?.queryItems?.first { $0.name == "password" }?.value
    }
    let pairs = url.split(whereSeparator: \.isWhitespace).compactMap { pair -> String? in
      let parts = pair.split(separator: "=", maxSplits: 1)
      return parts.count == 2 && parts[0] == "password" ? String(parts[1]).trimmingCharacters(in: CharacterSet(charactersIn: "'")) : nil
    }
    return pairs.last
  }

  /// What is wrong with the secrets of a process, one sentence each: none where `insecure.defaults` is on.
  static func problems(in settings: ServiceSettings) -> [String] {
    if settings.optionalString(.insecureDefaults).flatMap(SettingText.flag) == true { return [] }
    var problems: [String] = []
    for setting in settings.settings {
      guard let value = settings.optionalString(setting) else { continue }
      if setting.isKey, let fault = fault(inKey: value) {
        problems.append("\(setting.environmentName) (\(setting.key)) \(fault). Make one: openssl rand -base64 32")
      } else if setting == .databaseURL, let password = password(inDatabaseURL: value), isKnown(password: password) {
        problems.append(
          "\(setting.environmentName) (\(setting.key)) has a password that everybody knows. Give the role another: alter role … password …")
      } else if setting.isSecret, !setting.isKey, isKnown(password: value) {
        problems.append("\(setting.environmentName) (\(setting.key)) has a value that everybody knows. Set another")
      }
    }
    guard !problems.isEmpty else { return [] }
    return problems + ["To try things out with such secrets all the same, set \(Setting.insecureDefaults.environmentName)=1."]
  }

  private static let examplePrefix = "only-for-trying-out"
  private static let knownPasswords: Set<String> = [
    "rollcall", "postgres", "password", "secret", "changeme", "change-me", "admin", "example", "test",
  ]
}
