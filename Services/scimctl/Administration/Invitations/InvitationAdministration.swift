import Foundation
import Models
import Postgres
import SCIM

/// Reads invitations.
protocol InvitationAdministration: IDAdministration {
  /// Invitations in a state, or in any, the latest first.
  func invitations(_ state: InvitationState?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<InvitationRow>
  /// The invitations of a user with their histories, the latest first.
  func invitations(of user: UserID, in workspace: StoredWorkspace) async throws -> [InvitationRow]
  /// An invitation with its history; nil if there is none.
  func invitation(_ id: InvitationID, in workspace: StoredWorkspace) async throws -> InvitationRow?
  /// Invited users without an invitation, the latest first.
  func uninvitedUsers(limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<UninvitedUser>
  /// When the mailer's database was created; nil if it is not known.
  var mailerOrigin: Date? { get async throws }
}

/// An invitation, in the form of the management API.
struct InvitationRow: Sendable, Equatable, Codable {
  /// The person who was invited.
  struct Member: Sendable, Equatable, Codable {
    var id: UserID
    /// nil if the person was deleted.
    var userName: String?
    var email: String?

    /// The address, else the userName.
    var name: String? { email ?? userName }
  }

  /// A change of the state.
  struct Change: Sendable, Equatable, Codable {
    var at: Date
    var state: String
    var reason: String?
  }

  var id: InvitationID
  var state: String
  /// nil in the list of one member's invitations.
  var member: Member?
  var reason: String?
  var createdAt: Date
  var changedAt: Date
  var sentAt: Date?
  var nextMailAt: Date?
  var expiresAt: Date?
  var attempts: Int?
  var mailServerAnswer: String?
  /// The changes of the state, the earliest first. Only of a single invitation.
  var history: [Change]?
}

extension InvitationRow {
  /// One row per invitation.
  static func table(of invitations: [InvitationRow]) -> Table {
    var table = Table("ADDRESS", "STATE", "SINCE", "SENT", "NEXT MAIL", "ID")
    for invitation in invitations {
      table.append([
        invitation.member?.name, invitation.state, Timestamp.text(invitation.changedAt), invitation.sentAt.map(Timestamp.text),
        invitation.nextMailAt.map(Timestamp.text), "\(invitation.id)",
      ])
    }
    return table
  }

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["invitation", "\(id)"])
    table.append(["to", member?.name])
    table.append(["user", member.map { "\($0.id)" }])
    table.append(["state", reason.map { "\(state): \($0)" } ?? state])
    table.append(["since", Timestamp.text(changedAt)])
    table.append(["created", Timestamp.text(createdAt)])
    table.append(["sent", sentAt.map(Timestamp.text)])
    table.append(["next-mail", nextMailAt.map(Timestamp.text)])
    table.append(["expires", expiresAt.map(Timestamp.text)])
    table.append(["attempts", attempts.map { "\($0)" }])
    table.append(["answer", mailServerAnswer])
    return table
  }

  /// One row per change of the state.
  var historyTable: Table {
    var table = Table()
    for change in history ?? [] { table.append([Timestamp.text(change.at), change.state, change.reason]) }
    return table
  }
}

/// An invited user without an invitation.
struct UninvitedUser: Sendable, Equatable, Codable {
  var id: UserID
  var userName: String
  var email: String?
  /// nil if it is not known.
  var createdAt: Date?

  /// One row per user.
  static func table(of users: [UninvitedUser]) -> Table {
    var table = Table("ADDRESS", "CREATED", "ID")
    for user in users { table.append([user.email ?? user.userName, user.createdAt.map(Timestamp.text), "\(user.id)"]) }
    return table
  }
}

extension DirectAdministration: InvitationAdministration {
  /// The maximum number of a user's invitations.
  private static let maximumInvitations = 50

  var mailerOrigin: Date? {
    get async throws { try await pool.query(InvitationQueries.origin).first.map { try $0.timestamp(0) } }
  }

  func invitations(_ state: InvitationState?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<InvitationRow> {
    // One more row than is shown, to see whether there are more.
    let rows = try await pool.query(
      InvitationQueries.list,
      [.uuid(workspace.id.uuid), .optional(state?.rawValue, PostgresValue.text), .int(Int64(limit) + 1)]
    ).map { try InvitationRow($0) }
    return ListedItems(items: Array(rows.prefix(limit)), isCut: rows.count > limit)
  }

  func invitations(of user: UserID, in workspace: StoredWorkspace) async throws -> [InvitationRow] {
    try await details(invitation: nil, user: user, in: workspace)
  }

  func invitation(_ id: InvitationID, in workspace: StoredWorkspace) async throws -> InvitationRow? {
    try await details(invitation: id, user: nil, in: workspace).first
  }

  private func details(invitation: InvitationID?, user: UserID?, in workspace: StoredWorkspace) async throws -> [InvitationRow] {
    var invitations = try await pool.query(
      InvitationQueries.details,
      [
        .uuid(workspace.id.uuid), .optional(invitation?.uuid, PostgresValue.uuid), .optional(user?.uuid, PostgresValue.uuid),
        .int(Int64(Self.maximumInvitations)),
      ]
    ).map { try InvitationRow($0) }
    for index in invitations.indices {
      let id = invitations[index].id
      invitations[index].history = try await pool.query(
        InvitationQueries.history, [.uuid(workspace.id.uuid), .uuid(id.uuid)]
      ).map { row in InvitationRow.Change(at: try row.timestamp(0), state: try row.string(1), reason: try row.string(2)) }
    }
    return invitations
  }

  func uninvitedUsers(limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<UninvitedUser> {
    let rows = try await pool.query(InvitationQueries.missing, [.uuid(workspace.id.uuid), .int(Int64(limit) + 1)]).map { row in
      UninvitedUser(
        id: UserID(try row.uuid(0)), userName: try row.string(1), email: try row.optionalString(2), createdAt: try row.timestamp(3))
    }
    return ListedItems(items: Array(rows.prefix(limit)), isCut: rows.count > limit)
  }
}

extension InvitationRow {
  /// - Parameter row: The columns of `InvitationQueries.columns`.
  fileprivate init(_ row: Row) throws {
    let reason = try row.string(2)
    self.init(
      id: InvitationID(try row.uuid(0)), state: try row.string(1),
      member: Member(id: UserID(try row.uuid(10)), userName: try row.optionalString(11), email: try row.optionalString(12)),
      reason: reason.isEmpty ? nil : reason, createdAt: try row.timestamp(3), changedAt: try row.timestamp(4),
      sentAt: try row.optionalTimestamp(5), nextMailAt: try row.optionalTimestamp(6), expiresAt: try row.optionalTimestamp(7),
      attempts: try row.int(8), mailServerAnswer: try row.optionalString(9))
  }
}

extension ServerAdministration: InvitationAdministration {
  var mailerOrigin: Date? { nil }

  func invitations(_ state: InvitationState?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<InvitationRow> {
    try await client.list(
      of: InvitationRow.self, .workspace("\(workspace.id)", "invitations"), "invitations",
      query: [(name: "state", value: state?.rawValue)], limit: limit)
  }

  func invitations(of user: UserID, in workspace: StoredWorkspace) async throws -> [InvitationRow] {
    let found = try await client.list(
      of: InvitationRow.self, .workspace("\(workspace.id)", "invitations"), "invitations", query: [(name: "member", value: "\(user)")])
    var invitations: [InvitationRow] = []
    for invitation in found.items {
      // One that was deleted meanwhile is left out.
      if let shown = try await self.invitation(invitation.id, in: workspace) { invitations.append(shown) }
    }
    return invitations
  }

  func invitation(_ id: InvitationID, in workspace: StoredWorkspace) async throws -> InvitationRow? {
    do {
      return try await client.response(to: ManagementRequest(.get, .workspace("\(workspace.id)", "invitations", "\(id)")))
        .decoded(as: "invitation")
    } catch let problem as ServerProblem {
      guard problem.kind == "unknown-resource" else { throw ScimctlError(problem, from: client.server.site) }
      return nil
    }
  }

  func uninvitedUsers(limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<UninvitedUser> {
    // A member in a list has its newest invitation, if there is one.
    let members = try await client.list(
      .workspace("\(workspace.id)", "members"), "members",
      query: [(name: "state", value: UserState.invited.rawValue), (name: "order", value: "newest")]
    ).items.filter { $0.object?["invitation"] == nil }
    let users = try members.prefix(limit).map { member in
      try ManagementResponse(status: 200, headers: [:], body: member.serialized()).decoded(UninvitedUser.self, as: "member")
    }
    return ListedItems(items: users, isCut: members.count > limit)
  }
}
