import ArgumentParser
import Foundation
import Models
import Postgres

/// `scimctl group …`
struct GroupCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "group", abstract: "The product's groups.", subcommands: [ListGroups.self, ListGroupMembers.self])
}

/// `scimctl group list`
struct ListGroups: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the product's groups: id, visible members, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(Queries.groups, [.uuid(workspace.id.uuid)]) {
        table.append(["\(GroupID(try row.uuid(1)))", String(try row.int(2)), try row.string(0)])
      }
      return table
    }
    table.print()
  }
}

/// `scimctl group members NAME`
struct ListGroupMembers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "members", abstract: "List whom the product shows in a group, one email a line.",
    discussion: "People are shown from their first sign-in on, and while they are not disabled.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The group's name, compared without case.")
  var name: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let emails = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let rows = try await pool.query(Queries.groupMembers, [.uuid(workspace.id.uuid), .text(name)])
      if rows.isEmpty { try await explainAbsence(in: workspace, on: pool) }
      return try rows.compactMap { try $0.optionalString(0) }
    }
    for email in emails { print(PlainText.line(email)) }
  }

  /// A group that was pushed a moment ago has nobody in the product yet; another name is a mistake.
  private func explainAbsence(in workspace: KnownWorkspace, on pool: PostgresPool) async throws {
    guard try await pool.query(Queries.pushedGroup, [.uuid(workspace.id.uuid), .text(name)]).isEmpty else {
      return FileHandle.standardError.write(Data("scimctl: the group is pushed, and group-sync has not taken it in yet\n".utf8))
    }
    throw Failure(
      .notFound, "there is no group '\(name)' in workspace '\(workspace.settings.slug)'. 'scimctl group list' shows those there are")
  }
}
