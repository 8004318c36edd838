import Foundation
import Models
import Postgres
import Primitives
import SCIM

/// Reads users, and sends orders about their invitations.
protocol UserAdministration: Sendable {
  /// The users in a state, or in all of them.
  func users(_ state: UserState?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<UserRow>
  /// The user with this id, userName or address; nil if there is none.
  ///
  /// - Throws: ``ScimctlError`` if there are several.
  func findUser(_ who: String, in workspace: StoredWorkspace) async throws -> UserRow?
  /// Sends an invitation again, or revokes it. The mailer does it a moment later.
  func order(_ action: InvitationAction, for user: UserRow, in workspace: StoredWorkspace) async throws
}

/// What can be done with the invitation of a user, as the management API names it.
enum InvitationAction: String, Sendable {
  case resend, revoke
}

/// A user in a list, in the form of the management API.
struct UserRow: Sendable, Equatable, Codable {
  var id: UserID
  var userName: String
  var displayName: String?
  var email: String?
  var state: UserState
  var role: String

  /// One row per user.
  static func table(of users: [UserRow]) -> Table {
    var table = Table("USERNAME", "STATE", "ROLE", "EMAIL", "ID")
    for user in users { table.append([user.userName, user.state.rawValue, user.role, user.email, "\(user.id)"]) }
    return table
  }
}

extension UserAdministration {
  /// The user with this id, userName or address.
  ///
  /// - Throws: ``ScimctlError`` if there is none, or several.
  func user(_ who: String, in workspace: StoredWorkspace) async throws -> UserRow {
    guard let user = try await findUser(who, in: workspace) else {
      throw ScimctlError(.notFound, "workspace \(workspace.settings.slug) has no user '\(who)'. 'scimctl user list' lists the users")
    }
    return user
  }
}

extension [UserRow] {
  /// The only user; nil if there is none.
  ///
  /// - Throws: ``ScimctlError`` if there are several.
  func only(named who: String) throws(ScimctlError) -> UserRow? {
    guard count < 2 else { throw ScimctlError(.usage, "several users match '\(who)'. Use an id; 'scimctl user list' shows the ids") }
    return first
  }
}

extension DirectAdministration: UserAdministration {
  func users(_ state: UserState?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<UserRow> {
    // One more row than is shown, to see whether there are more.
    let rows = try await pool.query(
      UserAndGroupQueries.users, [.uuid(workspace.id.uuid), .optional(state?.rawValue, PostgresValue.text), .int(Int64(limit) + 1)]
    ).map { try Self.user($0) }
    return ListedItems(items: Array(rows.prefix(limit)), isCut: rows.count > limit)
  }

  func findUser(_ who: String, in workspace: StoredWorkspace) async throws -> UserRow? {
    try await pool.query(
      InvitationQueries.user,
      [.uuid(workspace.id.uuid), .optional(UserID(who)?.uuid, PostgresValue.uuid), .text(ComparisonKey(who).text)]
    ).map { try Self.user($0) }.only(named: who)
  }

  func order(_ action: InvitationAction, for user: UserRow, in workspace: StoredWorkspace) async throws {
    let order: InvitationOrder = action == .resend ? .resend(user.id) : .revoke(user.id)
    try await execute(.orderInvitation(order), on: user.id.resource, in: workspace.id)
  }

  private static func user(_ row: Row) throws -> UserRow {
    let state = try row.string(1)
    guard let known = UserState(rawValue: state) else {
      throw ScimctlError(.unavailable, "this version of scimctl does not know the user state '\(state)'")
    }
    return UserRow(
      id: UserID(try row.uuid(4)), userName: try row.string(0), displayName: try row.optionalString(5), email: try row.optionalString(3),
      state: known, role: try row.string(2))
  }
}

extension ServerAdministration: UserAdministration {
  func users(_ state: UserState?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<UserRow> {
    var found = ListedItems<UserRow>(items: [])
    for state in state.map({ [$0] }) ?? UserState.allCases {
      let listed = try await client.list(
        of: UserRow.self, .workspace("\(workspace.id)", "members"), "members", query: [(name: "state", value: state.rawValue)],
        limit: limit - found.items.count)
      found.items += listed.items
      found.isCut = listed.isCut
      if found.isCut { break }
    }
    return found
  }

  func findUser(_ who: String, in workspace: StoredWorkspace) async throws -> UserRow? {
    if let id = UserID(who) {
      do {
        return try await client.response(to: ManagementRequest(.get, .workspace("\(workspace.id)", "members", "\(id)")))
          .decoded(as: "member")
      } catch let problem as ServerProblem {
        guard problem.kind == "unknown-resource" || problem.status == 410 else { throw ScimctlError(problem, from: client.server.site) }
        return nil
      }
    }
    struct Body: Decodable { var members: [UserRow] }
    let body: Body = try await client.get(
      .workspace("\(workspace.id)", "members"), query: [(name: "name", value: who), (name: "limit", value: "2")]
    ).decoded(as: "list of members")
    return try body.members.only(named: who)
  }

  func order(_ action: InvitationAction, for user: UserRow, in workspace: StoredWorkspace) async throws {
    try await client.post(.workspace("\(workspace.id)", "members", "\(user.id)", "invitation", action.rawValue))
  }
}
