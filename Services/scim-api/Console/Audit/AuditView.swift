import EdgeHTTP
import EdgeReads
import SCIM

/// A row of the audit trail in words.
struct AuditView: Sendable, Equatable {
  var at: String
  var who: String
  /// The session of the console in which it was done.
  var session: String?
  var what: String
  var target: String
  var changes: [Change]
  var hasChanges: Bool
  /// Why it was refused; nil where it was done.
  var refusal: String?

  struct Change: Sendable, Equatable {
    var field: String
    var before: String?
    var after: String?
  }

  init(_ entry: AuditEntry) {
    at = entry.at
    who = ActorWords.text(entry.actor)
    what = Self.words(of: entry.action, on: entry.target)
    target = entry.target
    let summary = Self.summary(of: entry)
    session = summary?["session"]?.string
    changes = Self.changes(in: summary, or: entry.summary)
    hasChanges = !changes.isEmpty
    refusal = entry.status.map { status in entry.detail.map { "\(status): \($0)" } ?? "\(status)" }
  }

  /// What the filter offers.
  static let actions = [
    "update-workspace", "issue-token", "revoke-token", "rotate-token", "rotate-secret", "order-invitation", "decide-held-change",
    "create-workspace", "restate", "relink-user", "promote-user", "report-mail",
  ]

  /// What the filter calls it.
  static func words(of action: String) -> String {
    switch action {
    case "create-workspace": "Workspace made"
    case "update-workspace": "Settings changed"
    case "issue-token": "Token made, or signed in"
    case "revoke-token": "Token revoked, or signed out"
    case "rotate-token": "Token rotated"
    case "rotate-secret": "New secret for an OAuth client"
    case "order-invitation": "Invitation sent again, or taken back"
    case "decide-held-change": "Held change decided"
    case "restate": "State published again"
    case "relink-user": "Disabled user's record reused"
    case "promote-user": "Sign-in recorded by an operator"
    case "report-mail": "Delivery or bounce of a mail reported"
    default: action.prefix(1).uppercased() + action.dropFirst().replacing("-", with: " ")
    }
  }

  private static func words(of action: String, on target: String) -> String {
    let kind = target.prefix { $0 != " " }
    switch (action, kind) {
    case ("issue-token", "session"): return "Signed in to the console"
    case ("issue-token", "link"): return "Link into the console made"
    case ("issue-token", _): return "Token made"
    case ("revoke-token", "session"): return "Signed out of the console"
    case ("revoke-token", "link"): return "Link into the console taken back"
    case ("revoke-token", _): return "Token revoked"
    default: return words(of: action)
    }
  }

  /// How long a value is shown at most; `scimctl audit show` has all of it.
  private static let maximumValue = 300

  private static func summary(of entry: AuditEntry) -> JSONObject? {
    do { return try JSON(parsing: Array(entry.summary.utf8)).object } catch { return nil }
  }

  private static func changes(in summary: JSONObject?, or unread: String) -> [Change] {
    // What cannot be read is shown as it is.
    guard let json = summary else { return [Change(field: "summary", before: nil, after: String(unread.prefix(maximumValue)))] }
    if let asked = json["asked"]?.object {
      return asked.map { Change(field: $0.key, before: nil, after: text($0.value)) }
    }
    let (before, after) = (json["before"]?.object ?? JSONObject(), json["after"]?.object ?? JSONObject())
    let fields = before.map(\.key) + after.map(\.key).filter { before[$0] == nil }
    return fields.map { Change(field: $0, before: before[$0].map(text), after: after[$0].map(text)) }
  }

  private static func text(_ value: JSON) -> String {
    let text: String
    switch value {
    case .string(let string): text = string
    case .array(let items) where items.allSatisfy({ $0.string != nil }): text = items.compactMap(\.string).joined(separator: ", ")
    default: text = String(decoding: value.serialized(), as: UTF8.self)
    }
    return text.isEmpty ? "nothing" : text.count > maximumValue ? text.prefix(maximumValue) + "…" : text
  }
}
