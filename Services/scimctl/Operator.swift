import ArgumentParser
import Foundation
import ServiceKit
import Synchronization

/// Who runs the command: what the actor of its changes is, in the audit trail and everywhere else.
enum Operator {
  /// What `--as` said on the command line of this process.
  private static let chosen = Mutex<String?>(nil)
  private static let maximumLength = 100

  /// Takes the value of `--as` from the arguments of this process, which have been parsed.
  static func choose(from arguments: [String]) {
    let name = option(in: arguments)
    chosen.withLock { $0 = name }
  }

  /// The value of `--as`, which every command takes, wherever it stands; the last where there are several.
  static func option(in arguments: [String]) -> String? {
    let arguments = arguments.prefix { $0 != "--" }
    for (index, argument) in arguments.enumerated().reversed() {
      if argument.hasPrefix("--as=") { return String(argument.dropFirst("--as=".count)) }
      if argument == "--as", index + 1 < arguments.count { return arguments[arguments.startIndex + index + 1] }
    }
    return nil
  }

  /// `--as`, else ROLLCALL_OPERATOR, else the name that the operator is logged in with.
  ///
  /// - Throws: ``Failure`` where ROLLCALL_OPERATOR cannot be a name.
  static func name(_ settings: ServiceSettings) throws(Failure) -> String {
    try name(settings, option: chosen.withLock { $0 })
  }

  static func name(_ settings: ServiceSettings, option: String?) throws(Failure) -> String {
    if let option { return option }
    guard let name = settings.optionalString(.operatorName) else { return ProcessInfo.processInfo.userName }
    if let fault = fault(in: name) { throw Failure(.configuration, "\(Setting.operatorName.environmentName) \(fault)") }
    return name
  }

  /// Why `name` cannot be one, to stand behind what gave it; nil where it can.
  static func fault(in name: String) -> String? {
    let isPlain = !name.unicodeScalars.contains { $0.properties.generalCategory == .control || $0.properties.generalCategory == .format }
    guard isPlain, !name.allSatisfy(\.isWhitespace), name.count <= maximumLength else {
      return "has to be a name of at most \(maximumLength) characters, without control characters"
    }
    return nil
  }
}
