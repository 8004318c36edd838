import Foundation
import Models
import Postgres

/// A change of the identity provider that waits for approval, or was decided.
struct HeldChange: Sendable {
  var id: HeldChangeID
  /// The user or group to change.
  var resource: ResourceID
  var kind: HeldChangeKind
  /// The name of the user or group; nil if it has been deleted.
  var name: String?
  /// The number of members of the group.
  var members: Int?
  /// The number of members that would leave the group.
  var leaving: Int
  /// The token that requested the change.
  var requestedBy: String
  var heldAt: Date
  /// When the change was last requested.
  var requestedAt: Date
  /// `pending`, `approved`, `rejected` or another final status.
  var status: String
  var decidedBy: String?
  var decidedAt: Date?

  /// What the change does, as text.
  var effect: String {
    switch kind {
    case .membersRemoved: "\(leaving) of \(members ?? 0) members leave"
    case .groupDeleted: "is deleted, with \(members ?? 0) members"
    case .userDisabled: "is disabled"
    case .userDeleted: "is deleted"
    case .userEnabled: "is enabled beyond the seat limit"
    case .roleChanged: "loses the role admin as the last active admin"
    case .otherDomain: "is enabled with an address in another domain"
    case .addressChanged: "gets an address in another domain"
    case .accountMatched: "is enabled, and may own an existing account"
    }
  }

  /// Parses the id of a held change or its first characters.
  ///
  /// - Throws: `ValidationError`.
  @Sendable static func id(_ text: String) throws -> IDPrefix { try IDPrefix(text, list: listCommand) }

  private static let listCommand = "scimctl held list --all"

  /// Reads the held changes of a workspace.
  ///
  /// - Throws: `PostgresError`.
  static func list(in workspace: WorkspaceID, onlyPending: Bool, on pool: PostgresPool) async throws -> [HeldChange] {
    try await pool.query(HeldChangeQueries.list, [.uuid(workspace.uuid), .bool(onlyPending), .null]).map(HeldChange.init)
  }

  /// Finds a held change by its id or the first characters of it.
  ///
  /// - Throws: ``ScimctlError`` if no id or several ids match; `PostgresError`.
  static func named(_ prefix: IDPrefix, in workspace: StoredWorkspace, on pool: PostgresPool) async throws -> HeldChange {
    let id = try await prefix.resolve("held change", list: listCommand, in: workspace, on: pool, IDQueries.heldChangeIDs)
    guard let row = try await pool.query(HeldChangeQueries.list, [.uuid(workspace.id.uuid), .bool(false), .uuid(id)]).first else {
      throw ScimctlError(.notFound, "workspace \(workspace.settings.slug) has no held change '\(prefix.text)'. '\(listCommand)' lists them")
    }
    return try HeldChange(row)
  }

  private init(_ row: Row) throws {
    let kind = try row.string(2)
    guard let known = HeldChangeKind(rawValue: kind) else {
      throw ScimctlError(.unavailable, "this version of scimctl does not know the held change '\(kind)'")
    }
    self.init(
      id: HeldChangeID(try row.uuid(0)), resource: ResourceID(try row.uuid(1)), kind: known, name: try row.optionalString(3),
      members: try row.optionalInt(4), leaving: try row.int(5), requestedBy: try row.string(6), heldAt: try row.timestamp(7),
      requestedAt: try row.timestamp(8), status: try row.string(9), decidedBy: try row.optionalString(10),
      decidedAt: try row.optionalTimestamp(11))
  }

  private init(
    id: HeldChangeID, resource: ResourceID, kind: HeldChangeKind, name: String?, members: Int?, leaving: Int, requestedBy: String,
    heldAt: Date, requestedAt: Date, status: String, decidedBy: String?, decidedAt: Date?
  ) {
    self.id = id
    self.resource = resource
    self.kind = kind
    self.name = name
    self.members = members
    self.leaving = leaving
    self.requestedBy = requestedBy
    self.heldAt = heldAt
    self.requestedAt = requestedAt
    self.status = status
    self.decidedBy = decidedBy
    self.decidedAt = decidedAt
  }

  /// The state of the mail to the administrator, as text.
  static func noticeDescription(_ row: Row) throws -> String {
    guard let state = try row.optionalString(0), let changedAt = try row.optionalTimestamp(1) else {
      return "will be notified with the next mail"
    }
    let answer = try row.optionalString(2).map { ": \($0)" } ?? ""
    switch state {
    case "sent": return "notified \(Timestamp.text(changedAt))\(answer)"
    case "scheduled", "sending": return "is being notified\(answer)"
    default: return "not notified, the mail was \(state) \(Timestamp.text(changedAt))\(answer)"
    }
  }
}
