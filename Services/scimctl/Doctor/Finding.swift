import SCIM

/// What one check of `scimctl doctor` found.
struct Finding: Sendable, Equatable {
  enum MembershipStatus: String, Sendable {
    case ok
    /// Not wrong yet, or not fit for production.
    case warn
    case fail
    /// Could not be looked at, since something else is wrong or a setting is absent.
    case skipped = "skip"
  }

  var check: String
  var standing: MembershipStatus
  /// What is well, or wrong.
  var message: String
  /// The command that mends it.
  var mend: String?

  static func ok(_ check: String, _ message: String) -> Finding { Finding(check: check, standing: .ok, message: message) }

  static func warn(_ check: String, _ message: String, mend: String) -> Finding {
    Finding(check: check, standing: .warn, message: message, mend: mend)
  }

  static func fail(_ check: String, _ message: String, mend: String) -> Finding {
    Finding(check: check, standing: .fail, message: message, mend: mend)
  }

  static func skipped(_ check: String, _ message: String) -> Finding { Finding(check: check, standing: .skipped, message: message) }

  /// For a person: one line, and one below it with the command.
  var lines: [String] {
    let head = standing.rawValue + String(repeating: " ", count: 6 - standing.rawValue.count)
    return [PlainText.line("\(head)\(check): \(message)")] + (mend.map { [PlainText.line("      mend: \($0)")] } ?? [])
  }

  var json: String {
    var object: JSONObject = ["check": .string(check), "standing": .string(standing.rawValue), "message": .string(message)]
    object["mend"] = mend.map(JSON.string)
    return String(decoding: object.serialized(), as: UTF8.self)
  }
}
