import Foundation
import Models
import Postgres
import SCIM

/// Reads held changes, and decides them.
protocol HeldChangeAdministration: IDAdministration {
  /// The held changes of a workspace, oldest first.
  func heldChanges(includingDecided: Bool, in workspace: StoredWorkspace) async throws -> [HeldChangeRow]
  /// A held change with the members who would leave, and the mail to the administrator; nil if there is none.
  func heldChange(_ id: HeldChangeID, in workspace: StoredWorkspace) async throws -> HeldChangeRow?
  /// Decides a held change.
  func decide(_ change: HeldChangeRow, _ verdict: HeldChangeDecision.Verdict, in workspace: StoredWorkspace) async throws
}

/// A change of the identity provider that waits for approval, or was decided, in the form of the management API.
struct HeldChangeRow: Sendable, Equatable, Codable {
  /// The user or group to change.
  struct Subject: Sendable, Equatable, Codable {
    /// `User` or `Group`.
    var type: String
    var id: ResourceID
    /// nil if it has been deleted.
    var name: String?
  }

  /// The mail to the administrator.
  struct Notice: Sendable, Equatable, Codable {
    /// `waiting` until the mail is written.
    var state: String
    var changedAt: Date?
    var mailServerAnswer: String?
  }

  var id: HeldChangeID
  var kind: String
  /// `pending`, `approved`, `rejected` or another final status.
  var status: String
  var resource: Subject
  /// The number of members of the group.
  var members: Int?
  /// The number of members who would leave the group.
  var leaving: Int?
  var requestedBy: String?
  var heldAt: Date
  /// When the change was last requested.
  var requestedAt: Date
  var decidedBy: String?
  var decidedAt: Date?
  /// The names of members who would leave. Only of a single change.
  var leavers: [String]?
  /// Whether more would leave than `leavers` has.
  var hasMoreLeavers: Bool?
  /// Only of a single change; nil if the mailer has not received the event yet.
  var notice: Notice?
}

extension HeldChangeRow {
  /// What the change does, as text.
  var effect: String {
    switch HeldChangeKind(rawValue: kind) {
    case .membersRemoved: "\(leaving ?? 0) of \(members ?? 0) members leave"
    case .groupDeleted: "is deleted, with \(members ?? 0) members"
    case .userDisabled: "is disabled"
    case .userDeleted: "is deleted"
    case .userEnabled: "is enabled beyond the seat limit"
    case .roleChanged: "loses the role admin as the last active admin"
    case .otherDomain: "is enabled with an address in another domain"
    case .addressChanged: "gets an address in another domain"
    case .accountMatched: "is enabled, and may own an existing account"
    // Of a later version of the server.
    case nil: kind
    }
  }

  /// The name of the user or group, else its id.
  var subject: String { resource.name ?? "\(resource.id)" }

  /// One row per change.
  static func table(of changes: [HeldChangeRow]) -> Table {
    var table = Table("ID", "STATUS", "SINCE", "EFFECT", "USER OR GROUP")
    for change in changes {
      table.append(["\(change.id)", change.status, Timestamp.text(change.heldAt), change.effect, change.subject])
    }
    return table
  }

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["status", status])
    table.append(["effect", effect])
    table.append([resource.type == "Group" ? "group" : "user", "\(resource.name ?? "(deleted)"), \(resource.id)"])
    table.append(["requested by", requestedBy])
    table.append(["since", Timestamp.text(heldAt)])
    table.append(["last requested", Timestamp.text(requestedAt)])
    table.append(["administrator", notice?.text ?? "not notified: the mailer has not received the event yet"])
    if let decidedAt { table.append(["decided", "\(Timestamp.text(decidedAt)), \(decidedBy ?? "-")"]) }
    return table
  }

  /// A line for each member who would leave.
  var leaverLines: [String] {
    (leavers ?? []).map { PlainText.line("leaves: \($0)") } + (hasMoreLeavers == true ? ["leaves: and others"] : [])
  }
}

extension HeldChangeRow.Notice {
  /// The state of the mail, as text.
  var text: String {
    let answer = mailServerAnswer.map { ": \($0)" } ?? ""
    let time = changedAt.map { " \(Timestamp.text($0))" } ?? ""
    switch state {
    case "waiting": return "will be notified with the next mail"
    case "sent": return "notified\(time)\(answer)"
    case "scheduled", "sending": return "is being notified\(answer)"
    default: return "not notified, the mail was \(state)\(time)\(answer)"
    }
  }
}

extension HeldChangeAdministration {
  /// The held change with an id or its first characters.
  ///
  /// - Throws: ``ScimctlError`` if no id or several ids match.
  func heldChange(_ prefix: IDPrefix, in workspace: StoredWorkspace) async throws -> HeldChangeRow {
    let id = HeldChangeID(try await id(of: .heldChanges, prefix, in: workspace))
    guard let change = try await heldChange(id, in: workspace) else {
      throw ScimctlError(
        .notFound, "workspace \(workspace.settings.slug) has no held change '\(prefix.text)'. '\(ListedKind.heldChanges.list)' lists them")
    }
    return change
  }
}

extension DirectAdministration: HeldChangeAdministration {
  func heldChanges(includingDecided: Bool, in workspace: StoredWorkspace) async throws -> [HeldChangeRow] {
    try await pool.query(HeldChangeQueries.list, [.uuid(workspace.id.uuid), .bool(!includingDecided), .null]).map(HeldChangeRow.init)
  }

  func heldChange(_ id: HeldChangeID, in workspace: StoredWorkspace) async throws -> HeldChangeRow? {
    let parameters: [PostgresValue] = [.uuid(workspace.id.uuid), .uuid(id.uuid)]
    guard
      let row = try await pool.query(HeldChangeQueries.list, [.uuid(workspace.id.uuid), .bool(false), .uuid(id.uuid)]).first
    else { return nil }
    var change = try HeldChangeRow(row)
    change.leavers = try await pool.query(HeldChangeQueries.leavingMembers, parameters).map { try $0.string(0) }
    change.notice = try await pool.query(HeldChangeQueries.notice, parameters).first.map { row in
      HeldChangeRow.Notice(
        state: try row.optionalString(0) ?? "waiting", changedAt: try row.optionalTimestamp(1),
        mailServerAnswer: try row.optionalString(2))
    }
    return change
  }

  func decide(_ change: HeldChangeRow, _ verdict: HeldChangeDecision.Verdict, in workspace: StoredWorkspace) async throws {
    let decision = HeldChangeDecision(change: change.id, verdict: verdict)
    try await execute(.decideHeldChange(decision), on: change.resource.id, in: workspace.id)
  }
}

extension HeldChangeRow {
  fileprivate init(_ row: Row) throws {
    let kind = try row.string(2)
    let isOfGroup = HeldChangeKind(rawValue: kind)?.isOfGroup ?? false
    self.init(
      id: HeldChangeID(try row.uuid(0)), kind: kind, status: try row.string(9),
      resource: Subject(type: isOfGroup ? "Group" : "User", id: ResourceID(try row.uuid(1)), name: try row.optionalString(3)),
      members: try row.optionalInt(4), leaving: try row.int(5), requestedBy: try row.string(6), heldAt: try row.timestamp(7),
      requestedAt: try row.timestamp(8), decidedBy: try row.optionalString(10), decidedAt: try row.optionalTimestamp(11))
  }
}

extension ServerAdministration: HeldChangeAdministration {
  func heldChanges(includingDecided: Bool, in workspace: StoredWorkspace) async throws -> [HeldChangeRow] {
    var found: [HeldChangeRow] = []
    for status in includingDecided ? ["decided", "pending"] : ["pending"] {
      found += try await client.list(
        of: HeldChangeRow.self, .workspace("\(workspace.id)", "held-changes"), "heldChanges", query: [(name: "status", value: status)]
      ).items
    }
    return found.sorted { $0.id < $1.id }
  }

  func heldChange(_ id: HeldChangeID, in workspace: StoredWorkspace) async throws -> HeldChangeRow? {
    do {
      return try await client.response(to: ManagementRequest(.get, .workspace("\(workspace.id)", "held-changes", "\(id)")))
        .decoded(as: "held change")
    } catch let problem as ServerProblem {
      guard problem.kind == "unknown-resource" else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }

  func decide(_ change: HeldChangeRow, _ verdict: HeldChangeDecision.Verdict, in workspace: StoredWorkspace) async throws {
    try await client.post(
      .workspace("\(workspace.id)", "held-changes", "\(change.id)", verdict == .approve ? "approve" : "reject"))
  }
}
