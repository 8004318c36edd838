import Foundation
import Models
import Postgres
import Primitives
import SCIM

/// Reads the product's groups and their members.
protocol GroupAdministration: Sendable {
  /// The groups, by name.
  func groups(in workspace: StoredWorkspace) async throws -> [GroupRow]
  /// The members of the group with this name or id.
  ///
  /// - Parameter status: The status of the members; nil for all.
  /// - Throws: ``ScimctlError`` if there is no such group, or several have the name.
  func members(of group: String, _ status: MembershipStatus?, in workspace: StoredWorkspace) async throws -> GroupMembers
}

/// The status of a membership in a group of the product.
enum MembershipStatus: String, Sendable, CaseIterable, Codable {
  case visible, pending, held
}

/// A group with its numbers of members, in the form of the management API.
struct GroupRow: Sendable, Equatable, Codable {
  /// The numbers of members by status.
  struct Counts: Sendable, Equatable, Codable {
    var visible: Int
    var pending: Int
    var held: Int
  }

  var id: GroupID
  var displayName: String
  /// nil while the directory has not processed all changes of the group.
  var members: Counts?

  /// One row per group.
  static func table(of groups: [GroupRow]) -> Table {
    var table = Table("ID", "VISIBLE", "PENDING", "HELD", "NAME")
    for group in groups {
      let counts = group.members
      table.append([
        "\(group.id)", counts.map { "\($0.visible)" }, counts.map { "\($0.pending)" }, counts.map { "\($0.held)" }, group.displayName,
      ])
    }
    return table
  }
}

/// A member of a group, in the form of the management API.
struct GroupMemberRow: Sendable, Equatable, Codable {
  var id: UserID
  /// nil if the person's own data has not arrived yet.
  var email: String?
  var status: MembershipStatus
  /// What the membership waits for; nil if it is visible.
  var waitsFor: String?

  /// The address, else the id.
  var name: String { email ?? "\(id)" }
}

/// Members of a group.
struct GroupMembers: Sendable, Equatable {
  /// The members, by address.
  var members: [GroupMemberRow]
  /// Whether group-sync has processed the group.
  var isProcessed = true
}

extension ScimctlError {
  /// The error for a name that no group has.
  static func unknownGroup(_ name: String, in workspace: StoredWorkspace) -> ScimctlError {
    ScimctlError(.notFound, "workspace '\(workspace.settings.slug)' has no group '\(name)'. 'scimctl group list' lists the groups")
  }
}

extension GroupMembers {
  /// Checks that a name is unambiguous.
  ///
  /// - Throws: ``ScimctlError`` with the ids if several groups have the name.
  static func checkOne(_ groups: Set<GroupID>, named name: String) throws(ScimctlError) {
    guard groups.count > 1 else { return }
    let ids = groups.sorted().map { "\($0)" }.joined(separator: ", ")
    throw ScimctlError(.usage, "\(groups.count) groups have the name '\(name)'. Use an id instead: \(ids)")
  }
}

extension DirectAdministration: GroupAdministration {
  func groups(in workspace: StoredWorkspace) async throws -> [GroupRow] {
    try await pool.query(UserAndGroupQueries.groups, [.uuid(workspace.id.uuid)]).map { row in
      GroupRow(
        id: GroupID(try row.uuid(1)), displayName: try row.string(0),
        members: GroupRow.Counts(visible: try row.int(2), pending: try row.int(3), held: try row.int(4)))
    }
  }

  func members(of group: String, _ status: MembershipStatus?, in workspace: StoredWorkspace) async throws -> GroupMembers {
    let key = PostgresValue.text(ComparisonKey(group).text)
    let id = PostgresValue.optional(GroupID(group)?.uuid, PostgresValue.uuid)
    let rows = try await pool.query(
      UserAndGroupQueries.groupMembers,
      [.uuid(workspace.id.uuid), key, .optional(status?.rawValue, PostgresValue.text), id])
    guard rows.count > 0 else {
      guard try await !pool.query(UserAndGroupQueries.pushedGroup, [.uuid(workspace.id.uuid), key, id]).isEmpty else {
        throw ScimctlError.unknownGroup(group, in: workspace)
      }
      return GroupMembers(members: [], isProcessed: false)
    }
    var (groups, members): (Set<GroupID>, [GroupMemberRow]) = ([], [])
    for row in rows {
      groups.insert(GroupID(try row.uuid(3)))
      // A group without members is one row of nulls.
      guard let member = try row.optionalUUID(4), let status = try row.optionalString(1).flatMap(MembershipStatus.init(rawValue:)) else {
        continue
      }
      members.append(
        GroupMemberRow(
          id: UserID(member), email: try row.optionalString(0), status: status, waitsFor: try row.optionalString(2)))
    }
    try GroupMembers.checkOne(groups, named: group)
    return GroupMembers(members: members)
  }
}

extension ServerAdministration: GroupAdministration {
  func groups(in workspace: StoredWorkspace) async throws -> [GroupRow] {
    try await client.list(of: GroupRow.self, .workspace("\(workspace.id)", "groups"), "groups").items
  }

  func members(of group: String, _ status: MembershipStatus?, in workspace: StoredWorkspace) async throws -> GroupMembers {
    guard let found = try await findGroup(group, in: workspace) else { throw ScimctlError.unknownGroup(group, in: workspace) }
    var members: [GroupMemberRow] = []
    for status in status.map({ [$0] }) ?? MembershipStatus.allCases {
      members += try await client.list(
        of: GroupMemberRow.self, .workspace("\(workspace.id)", "groups", "\(found.id)", "members"), "members",
        query: [(name: "status", value: status.rawValue)]
      ).items
    }
    return GroupMembers(members: members.sorted { $0.name < $1.name }, isProcessed: !members.isEmpty || found.members != nil)
  }

  private func findGroup(_ group: String, in workspace: StoredWorkspace) async throws -> GroupRow? {
    if let id = GroupID(group) {
      do {
        return try await client.response(to: ManagementRequest(.get, .workspace("\(workspace.id)", "groups", "\(id)")))
          .decoded(as: "group")
      } catch let problem as ServerProblem {
        guard problem.kind == "unknown-resource" else { throw ScimctlError(problem, from: client.server.site) }
        return nil
      }
    }
    // Groups whose names begin with the text are listed in the order of their keys, so those with the name are the first.
    let key = ComparisonKey(group).text
    let found = try await client.list(
      of: GroupRow.self, .workspace("\(workspace.id)", "groups"), "groups", query: [(name: "q", value: group)], limit: 100
    ).items.filter { ComparisonKey($0.displayName).text == key }
    try GroupMembers.checkOne(Set(found.map(\.id)), named: group)
    return found.first
  }
}
