/// The error for an invalid configuration, with all problems.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A sentence for each problem: the setting, its value (unless it is a secret), and what it must be.
  public var problems: [String]

  /// Makes an error with these problems.
  public init(_ problems: [String]) {
    self.problems = problems
  }

  /// The problems, one per line.
  public var description: String { problems.joined(separator: "\n") }
}

extension SettingsError {
  /// The error for a value of the wrong kind.
  static func malformed(_ setting: Setting, _ value: String, _ expectation: String) -> SettingsError {
    SettingsError([malformedProblem(setting, value, expectation)])
  }

  /// The problem of a value of the wrong kind. Contains the value unless it is a secret.
  static func malformedProblem(_ setting: Setting, _ value: String, _ expectation: String) -> String {
    let shown = setting.isSecret ? "its value" : "'\(value.prefix(200))'"
    return "\(setting.environmentName) (\(setting.key)) must be \(expectation), but \(shown) is not"
  }
}
