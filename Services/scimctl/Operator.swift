import Foundation
import ServiceKit

/// The name of the operator who runs the command, which the audit trail records as the actor.
enum Operator {
  private static let maximumLength = 100

  /// The value of `--as`, else ROLLCALL_OPERATOR, else the login name.
  ///
  /// - Throws: ``ScimctlError`` if ROLLCALL_OPERATOR is not a valid name.
  static func name(_ settings: ServiceSettings) throws(ScimctlError) -> String {
    try name(settings, option: GlobalOptions.current.operatorName)
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
