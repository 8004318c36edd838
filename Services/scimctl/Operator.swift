import ArgumentParser
import Foundation
import ServiceKit
import Synchronization

/// The name of the operator who runs the command, which the audit trail records as the actor.
enum Operator {
  /// The value of `--as` on the command line of this process.
  private static let selected = Mutex<String?>(nil)
  private static let maximumLength = 100

  /// Stores the value of `--as` from the arguments of this process, which are valid.
  static func select(from arguments: [String]) {
    let name = option(in: arguments)
    selected.withLock { $0 = name }
  }

  /// The value of `--as`, which every command accepts at any position. If it occurs more than once, the last one counts.
  static func option(in arguments: [String]) -> String? {
    let arguments = arguments.prefix { $0 != "--" }
    for (index, argument) in arguments.enumerated().reversed() {
      if argument.hasPrefix("--as=") { return String(argument.dropFirst("--as=".count)) }
      if argument == "--as", index + 1 < arguments.count { return arguments[arguments.startIndex + index + 1] }
    }
    return nil
  }

  /// The value of `--as`, else ROLLCALL_OPERATOR, else the login name.
  ///
  /// - Throws: ``ScimctlError`` if ROLLCALL_OPERATOR is not a valid name.
  static func name(_ settings: ServiceSettings) throws(ScimctlError) -> String {
    try name(settings, option: selected.withLock { $0 })
  }

  /// The value of `option`, else ROLLCALL_OPERATOR, else the login name.
  static func name(_ settings: ServiceSettings, option: String?) throws(ScimctlError) -> String {
    if let option { return option }
    guard let name = settings.optionalString(.operatorName) else { return ProcessInfo.processInfo.userName }
    if let fault = fault(in: name) { throw ScimctlError(.configuration, "\(Setting.operatorName.environmentName) \(fault)") }
    return name
  }

  /// The reason why `name` is invalid, as the end of a sentence about it; nil if it is valid.
  static func fault(in name: String) -> String? {
    let isPlain = !name.unicodeScalars.contains { $0.properties.generalCategory == .control || $0.properties.generalCategory == .format }
    guard isPlain, !name.allSatisfy(\.isWhitespace), name.count <= maximumLength else {
      return "must be a name of at most \(maximumLength) characters, without control characters"
    }
    return nil
  }
}
