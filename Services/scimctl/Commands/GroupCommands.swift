import ArgumentParser
import Foundation
import Models
import Postgres
import Primitives

/// `scimctl group`, the commands for the product's groups.
struct GroupCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "The product's groups.", subcommands: [ListGroups.self, ListGroupMembers.self])
}

/// `scimctl group list`, which lists groups.
struct ListGroups: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the product's groups: id, visible, pending and held members, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(UserAndGroupQueries.groups, [.uuid(workspace.id.uuid)]) {
        table.append([
          "\(GroupID(try row.uuid(1)))", String(try row.int(2)), String(try row.int(3)), String(try row.int(4)), try row.string(0),
        ])
      }
      return table
    }
    table.print()
  }
}

/// `scimctl group members NAME`, which lists the members of a group.
struct ListGroupMembers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members", abstract: "List the members of a group that the product shows, one email per line; or the others.",
    discussion: """
      A member is visible after the first sign-in. An invited member, or one whose own data has not arrived yet, is pending. A disabled \
      member is held, and returns to the group when enabled. For members that are not visible, each line has the email, the status, and what \
      the member waits for.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The name of the group (case-insensitive), or its id.")
  var name: String

  @Option(help: "The status of the members to list: visible, pending, held or all.")
  var state = MembershipStatus.visible

  /// The status of a member, for the option `--state`.
  enum MembershipStatus: String, ExpressibleByArgument, CaseIterable, Sendable {
    case visible, pending, held, all
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    let members = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let rows = try await pool.query(
        UserAndGroupQueries.groupMembers,
        [.uuid(workspace.id.uuid), .text(ComparisonKey(name).text), state == .all ? .null : .text(state.rawValue), id])
      if rows.isEmpty { try await explainMissingGroup(in: workspace, on: pool) }
      try Self.checkOne(Set(try rows.map { GroupID(try $0.uuid(3)) }), named: name)
      return try rows.compactMap { row in
        try row.optionalString(0).map { [$0, try row.optionalString(1), try row.optionalString(2)] }
      }
    }
    var table = Table()
    for member in members { table.append(state == .visible ? [member[0]] : member) }
    table.print()
  }

  private var id: PostgresValue { .optional(GroupID(name)?.uuid, PostgresValue.uuid) }

  /// Checks that the name is unambiguous.
  ///
  /// - Throws: ``ScimctlError`` with the ids if several groups have the name.
  static func checkOne(_ groups: Set<GroupID>, named name: String) throws(ScimctlError) {
    guard groups.count > 1 else { return }
    let ids = groups.sorted().map { "\($0)" }.joined(separator: ", ")
    throw ScimctlError(.usage, "\(groups.count) groups have the name '\(name)'. Use an id instead: \(ids)")
  }

  /// Prints a note if the group was pushed a moment ago and group-sync does not have it yet.
  ///
  /// - Throws: ``ScimctlError`` if there is no such group.
  private func explainMissingGroup(in workspace: StoredWorkspace, on pool: PostgresPool) async throws {
    guard try await pool.query(UserAndGroupQueries.pushedGroup, [.uuid(workspace.id.uuid), .text(ComparisonKey(name).text), id]).isEmpty
    else {
      return StandardError.print("scimctl: the group was pushed, but group-sync has not processed it yet")
    }
    throw ScimctlError(
      .notFound, "workspace '\(workspace.settings.slug)' has no group '\(name)'. 'scimctl group list' lists the groups")
  }
}
