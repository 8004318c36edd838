import ArgumentParser
import Models

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
  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      try output.print(try await administration.groups(in: workspace), as: GroupRow.table)
    }
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
  var state = Selection.visible

  @OptionGroup var output: OutputOption

  /// The members to list.
  enum Selection: String, ExpressibleByArgument, CaseIterable, Sendable {
    case visible, pending, held, all

    /// The status of the members; nil for all.
    var status: MembershipStatus? { MembershipStatus(rawValue: rawValue) }
  }

  /// A table with the addresses alone if all members are visible.
  func table(of members: [GroupMemberRow]) -> Table {
    guard state != .visible else {
      var table = Table("EMAIL")
      for member in members { table.append([member.name]) }
      return table
    }
    var table = Table("EMAIL", "STATUS", "WAITS FOR")
    for member in members { table.append([member.name, member.status.rawValue, member.waitsFor]) }
    return table
  }

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let found = try await administration.members(of: name, state.status, in: workspace)
      try output.print(found.members, as: table)
      if !found.isProcessed { StandardError.print("scimctl: the group was pushed, but group-sync has not processed it yet") }
    }
  }
}
