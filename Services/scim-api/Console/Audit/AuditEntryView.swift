import EdgeHTTP
import EdgeReads
import SCIM

/// The view model of an entry of the audit trail.
struct AuditEntryView: Sendable, Equatable {
  var at: String
  var actor: String
  /// The session of the console.
  var session: String?
  var actionName: String
  var target: String
  var changes: [Change]
  var hasChanges: Bool
  /// The status and detail of a rejected command; nil if it was executed.
  var rejection: String?

  /// The change of a field.
  struct Change: Sendable, Equatable {
    var field: String
    var before: String?
    var after: String?
  }

  init(_ entry: AuditEntry) {
    at = entry.at
    actor = ConsoleText.actor(entry.actor)
    actionName = Self.name(of: entry.action, on: entry.target)
    target = entry.target
    let summary = Self.summary(of: entry)
    session = summary?["session"]?.string
    changes = Self.changes(in: summary, or: entry.summary)
    hasChanges = !changes.isEmpty
    rejection = entry.status.map { status in entry.detail.map { "\(status): \($0)" } ?? "\(status)" }
  }

  /// The actions in the filter.
  static let actions = [
    "update-workspace", "issue-token", "revoke-token", "rotate-token", "rotate-secret", "order-invitation", "decide-held-change",
    "create-workspace", "restate", "relink-user", "promote-user", "report-mail",
    "write-webhook", "delete-webhook", "disable-webhook", "order-webhook",
    "change-mail-domain", "stage-accounts", "start-account-import", "link-account", "unlink-account",
  ]

  /// The name of an action.
  static func name(of action: String) -> String {
    switch action {
    case "create-workspace": "Workspace created"
    case "update-workspace": "Settings changed"
    case "issue-token": "Token created, or signed in"
    case "revoke-token": "Token revoked, or signed out"
    case "rotate-token": "Token rotated"
    case "rotate-secret": "New secret for an OAuth client"
    case "order-invitation": "Invitation sent again or revoked"
    case "decide-held-change": "Held change decided"
    case "restate": "State published again"
    case "relink-user": "Disabled user's record reused"
    case "promote-user": "Sign-in recorded by an operator"
    case "report-mail": "Mail delivery or bounce reported"
    case "write-webhook": "Webhook endpoint created or changed"
    case "delete-webhook": "Webhook endpoint deleted"
    case "disable-webhook": "Webhook endpoint disabled"
    case "order-webhook": "Webhook tested, redelivered or skipped"
    case "change-mail-domain": "Mail domain added, verified or removed"
    case "stage-accounts": "Part of an account import uploaded"
    case "start-account-import": "Account import started"
    case "link-account": "Person linked to an account"
    case "unlink-account": "Link to an account removed"
    default: action.prefix(1).uppercased() + action.dropFirst().replacing("-", with: " ")
    }
  }

  private static func name(of action: String, on target: String) -> String {
    let kind = target.prefix { $0 != " " }
    switch (action, kind) {
    case ("issue-token", "session"): return "Signed in to the console"
    case ("issue-token", "link"): return "Sign-in link created"
    case ("issue-token", _): return "Token created"
    case ("revoke-token", "session"): return "Signed out of the console"
    case ("revoke-token", "link"): return "Sign-in link revoked"
    case ("revoke-token", _): return "Token revoked"
    default: return name(of: action)
    }
  }

  /// The maximum length of a shown value in characters. `scimctl audit show` prints the whole value.
  private static let maximumValue = 300

  private static func summary(of entry: AuditEntry) -> JSONObject? {
    do { return try JSON(parsing: Array(entry.summary.utf8)).object } catch { return nil }
  }

  private static func changes(in summary: JSONObject?, or text: String) -> [Change] {
    // Malformed summaries are shown unchanged.
    guard let json = summary else { return [Change(field: "summary", before: nil, after: String(text.prefix(maximumValue)))] }
    if let requested = json["asked"]?.object {
      return requested.map { Change(field: $0.key, before: nil, after: Self.text($0.value)) }
    }
    let (before, after) = (json["before"]?.object ?? JSONObject(), json["after"]?.object ?? JSONObject())
    let fields = before.map(\.key) + after.map(\.key).filter { before[$0] == nil }
    return fields.map { Change(field: $0, before: before[$0].map(Self.text), after: after[$0].map(Self.text)) }
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
