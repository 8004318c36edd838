/// A setting that a release has renamed or removed.
///
/// A former name that is set while the present one is not stops the process, because the value that the operator chose would have no effect.
/// If both are set, as in an environment that both releases share during an upgrade, it is a warning.
struct FormerSetting: Sendable, Hashable {
  /// The former key, `limit.stranger-rate`.
  let key: String
  /// The key of its replacement; nil if the setting was removed.
  let replacement: String?
  /// The release that changed it.
  let release: String
  /// What to do about a setting that was removed.
  var advice = ""

  /// The former settings, oldest first.
  static let all: [FormerSetting] = [
    FormerSetting(key: "limit.stranger-rate", replacement: "limit.unauthenticated-rate", release: "0.2.0"),
    FormerSetting(key: "limit.stranger-burst", replacement: "limit.unauthenticated-burst", release: "0.2.0"),
    FormerSetting(key: "limit.refusal-rate", replacement: "limit.rejection-rate", release: "0.2.0"),
    FormerSetting(key: "limit.refusal-hold", replacement: "limit.rejection-hold", release: "0.2.0"),
    FormerSetting(key: "store.bound", replacement: "store.batch-time-limit", release: "0.3.0"),
    FormerSetting(key: "read.patience", replacement: "read.retry-time", release: "0.3.0"),
  ]

  /// The name of its environment variable.
  var environmentName: String { Setting.environmentName(of: key) }

  /// What its presence means for a process.
  ///
  /// - Parameters:
  ///   - settings: The settings of the process. A replacement that is not among them is another process's.
  ///   - isSet: Whether a key has a value in the environment or the file.
  func finding(among settings: [Setting], isSet: (String) -> Bool) -> Finding? {
    guard isSet(key) else { return nil }
    guard let replacement else {
      return .warning("\(environmentName) (\(key)) was removed in \(release) and has no effect. \(advice)")
    }
    guard settings.contains(where: { $0.key == replacement }) else { return nil }
    let present = "\(Setting.environmentName(of: replacement)) (\(replacement))"
    return isSet(replacement)
      ? .warning("\(environmentName) (\(key)) has no effect: \(release) replaced it by \(present), which is set as well. Remove it")
      : .problem("\(environmentName) (\(key)) has no effect: \(release) replaced it by \(present). Set that instead")
  }

  /// What is wrong with the presence of a former setting.
  enum Finding: Sendable, Hashable {
    /// The process must not start.
    case problem(String)
    /// The log should say so.
    case warning(String)
  }
}
