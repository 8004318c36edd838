import SCIM

/// The result of one check of `scimctl doctor`.
struct Finding: Sendable, Equatable {
  /// The result of a check.
  enum Status: String, Sendable {
    case ok
    /// A risk, or unsuitable for production.
    case warn
    case fail
    /// Not checked, because of another problem or a missing setting.
    case skipped = "skip"
  }

  /// The name of the check.
  var check: String
  var status: Status
  /// What is correct or wrong.
  var message: String
  /// The command that fixes it.
  var fix: String?

  /// A check that found no problem.
  static func ok(_ check: String, _ message: String) -> Finding { Finding(check: check, status: .ok, message: message) }

  /// A risk, with the command that removes it.
  static func warn(_ check: String, _ message: String, fix: String) -> Finding {
    Finding(check: check, status: .warn, message: message, fix: fix)
  }

  /// A failure, with the command that fixes it.
  static func fail(_ check: String, _ message: String, fix: String) -> Finding {
    Finding(check: check, status: .fail, message: message, fix: fix)
  }

  /// A check that was not made.
  static func skipped(_ check: String, _ message: String) -> Finding { Finding(check: check, status: .skipped, message: message) }

  /// Failures first, then warnings, skipped checks, and what is in order; each in the order of the checks.
  static func worstFirst(_ findings: [Finding]) -> [Finding] {
    [Status.fail, .warn, .skipped, .ok].flatMap { status in findings.filter { $0.status == status } }
  }

  /// The text output: one line, and a second one with the command that fixes it.
  var lines: [String] {
    let head = status.rawValue + String(repeating: " ", count: 6 - status.rawValue.count)
    return [PlainText.line("\(head)\(check): \(message)")] + (fix.map { [PlainText.line("      fix: \($0)")] } ?? [])
  }

  /// The JSON output: one object.
  var json: String {
    var object: JSONObject = ["check": .string(check), "status": .string(status.rawValue), "message": .string(message)]
    object["fix"] = fix.map(JSON.string)
    return String(decoding: object.serialized(), as: UTF8.self)
  }
}
