import Foundation

/// Detects insecure secrets: published examples, well-known passwords, and keys that are short enough to guess.
public enum PlaceholderSecrets {
  /// The minimum length of a key in bytes.
  public static let minimumKeyLength = 16

  /// The problem with a key, to follow its name; nil if there is none.
  public static func problem(withKey key: String) -> String? {
    if key.lowercased().hasPrefix(examplePrefix) || knownPasswords.contains(key.lowercased()) {
      return "has a value from a published example"
    }
    let length = key.utf8.count
    return length < minimumKeyLength ? "has \(length) bytes, which can be guessed; it needs at least \(minimumKeyLength)" : nil
  }

  /// Whether a password is well known or a published example.
  public static func isKnown(password: String) -> Bool {
    knownPasswords.contains(password.lowercased()) || password.lowercased().hasPrefix(examplePrefix)
  }

  /// The password in a libpq connection string (a URL or `key=value` pairs); nil if there is none.
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

  /// The problems with the secrets of a process, one sentence each; none if `insecure.defaults` is on.
  static func problems(in settings: ServiceSettings) -> [String] {
    if settings.optionalString(.insecureDefaults).flatMap(SettingParser.flag) == true { return [] }
    var problems: [String] = []
    for setting in settings.settings {
      guard let value = settings.optionalString(setting) else { continue }
      if setting.isKey, let problem = problem(withKey: value) {
        problems.append("\(setting.environmentName) (\(setting.key)) \(problem). Generate one: openssl rand -base64 32")
      } else if setting.isSecret, setting.key.hasPrefix("database."), let password = password(inDatabaseURL: value),
        isKnown(password: password)
      {
        problems.append(
          "\(setting.environmentName) (\(setting.key)) has a well-known password. Change it: alter role … password …")
      } else if setting.isSecret, !setting.isKey, isKnown(password: value) {
        problems.append("\(setting.environmentName) (\(setting.key)) has a well-known value. Set another")
      }
    }
    guard !problems.isEmpty else { return [] }
    return problems + ["For a trial on one machine, \(Setting.insecureDefaults.environmentName)=1 permits such secrets."]
  }

  private static let examplePrefix = "only-for-trying-out"
  private static let knownPasswords: Set<String> = [
    "rollcall", "postgres", "password", "secret", "changeme", "change-me", "admin", "example", "test",
  ]
}
