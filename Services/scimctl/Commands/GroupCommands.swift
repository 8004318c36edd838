import ArgumentParser
import Foundation
import Models
import Postgres
import Primitives

/// `scimctl group …`
struct GroupCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "The product's groups.", subcommands: [ListGroups.self, ListGroupMembers.self])
}

/// `scimctl group list`
struct ListGroups: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the product's groups: id, visible, pending and held members, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(Queries.groups, [.uuid(workspace.id.uuid)]) {
        table.append([
          "\(GroupID(try row.uuid(1)))", String(try row.int(2)), String(try row.int(3)), String(try row.int(4)), try row.string(0),
        ])
      }
      return table
    }
    table.print()
  }
}

/// `scimctl group members NAME`
struct ListGroupMembers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members", abstract: "List whom the product shows in a group, one email a line; or those whom it does not.",
    discussion: """
      People are visible from their first sign-in on. Who is invited, or whose own data has not come yet, is pending; who is disabled is \
      held, and comes back to the group when enabled. For others than the visible each line has the email, where the person stands, and \
      what for they wait.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The group's name, compared without case, or its id.")
  var name: String

  @Option(help: "Where those stand that are listed: visible, pending, held or all.")
  var state = MembershipStatus.visible

  /// Where a member of a group stands.
  enum MembershipStatus: String, ExpressibleByArgument, CaseIterable, Sendable {
    case visible, pending, held, all
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    let members = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let rows = try await pool.query(
        Queries.groupMembers,
        [.uuid(workspace.id.uuid), .text(ComparisonKey(name).text), state == .all ? .null : .text(state.rawValue), id])
      if rows.isEmpty { try await explainAbsence(in: workspace, on: pool) }
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

  /// - Throws: ``Failure`` that lists the ids where several groups have the name.
  static func checkOne(_ groups: Set<GroupID>, named name: String) throws(Failure) {
    guard groups.count > 1 else { return }
    let ids = groups.sorted().map { "\($0)" }.joined(separator: ", ")
    throw Failure(.usage, "\(groups.count) groups are called '\(name)'. Give the id of the one that you mean: \(ids)")
  }

  /// A group that was pushed a moment ago has nobody in the product yet; another name is a mistake.
  private func explainAbsence(in workspace: KnownWorkspace, on pool: PostgresPool) async throws {
    guard try await pool.query(Queries.pushedGroup, [.uuid(workspace.id.uuid), .text(ComparisonKey(name).text), id]).isEmpty else {
      return FileHandle.standardError.write(Data("scimctl: the group is pushed, and group-sync has not taken it in yet\n".utf8))
    }
    throw Failure(
      .notFound, "there is no group '\(name)' in workspace '\(workspace.settings.slug)'. 'scimctl group list' shows those there are")
  }
}
