/// Everything that is wrong with a process's configuration, found in one go.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One sentence for each thing that is wrong: it names the setting, what it is, and what it should be.
  public var problems: [String]

  public init(_ problems: [String]) {
    self.problems = problems
  }

  public var description: String { problems.joined(separator: "\n") }
}

extension SettingsError {
  static func malformed(_ setting: Setting, _ value: String, _ expectation: String) -> SettingsError {
    SettingsError([malformedProblem(setting, value, expectation)])
  }

  /// The sentence about a value of the wrong form; it shows the value unless that is secret.
  static func malformedProblem(_ setting: Setting, _ value: String, _ expectation: String) -> String {
    let shown = setting.isSecret ? "its value" : "'\(value.prefix(200))'"
    return "\(setting.environmentName) (\(setting.key)) must be \(expectation), but \(shown) is not"
  }
}
