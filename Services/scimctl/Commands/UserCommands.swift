import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl user`, the commands for users.
struct UserCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "user", abstract: "Users of a workspace, and the product's accounts of them.",
    subcommands: [
      ListUsers.self, ShowUser.self, ShowUserTimeline.self, ExportUser.self, EraseUser.self, ResendUserInvitation.self, RevokeUserInvitation.self,
      PrintInvitationLink.self,
      ImportAccounts.self, ListAccounts.self, LinkAccount.self, UnlinkAccount.self,
    ])
}

/// `scimctl user list`, which lists users.
struct ListUsers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List users by userName: userName, state, role, email, id.",
    discussion: "Through a server, users are listed by state, and then by name.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only users in this state: invited, active or disabled.")
  var state: UserState?

  @Option(help: "The maximum number of users.")
  var limit = 1000

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let found = try await administration.users(state, limit: limit, in: workspace)
      try output.print(found.items, as: UserRow.table)
      if found.isCut { StandardError.print("scimctl: only the first \(limit) are listed; use --limit to list more") }
    }
  }
}

/// `scimctl user show WHO`, which shows a user.
struct ShowUser: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a user with groups, invitations, sign-ins and the product's id.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument
  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withServer(for: "user show") { server in
      let workspace = try await server.workspace(workspace)
      let found = try await server.user(user.who, in: workspace)
      let response = try await server.client.get(.workspace("\(workspace.id)", "members", "\(found.id)"))
      if output.json {
        OutputOption.print(try response.json())
      } else {
        let details: UserDetails = try response.decoded(as: "member")
        details.description.print()
      }
    }
  }
}

/// `scimctl user timeline WHO`, which lists what happened to a user.
struct ShowUserTimeline: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "timeline", abstract: "List what happened to a user, the latest first: time, event, details.",
    discussion: "Requests of the identity provider, invitations, sign-ins, held changes and loss of access; also of a deleted user, by id.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument

  @Option(help: "The maximum number of events.")
  var limit = 100

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    try await withServer(for: "user timeline") { server in
      let workspace = try await server.workspace(workspace)
      // A deleted user is found by id only.
      let id: UserID
      if let given = UserID(user.who) { id = given } else { id = try await server.user(user.who, in: workspace).id }
      let found = try await server.client.list(.workspace("\(workspace.id)", "members", "\(id)", "timeline"), "events", limit: limit)
      if output.json {
        for event in found.items { OutputOption.print(event) }
      } else {
        TimelineRow.table(of: try found.items.map { try TimelineRow(response: $0) }).print()
      }
    }
  }
}

/// `scimctl user resend WHO`, which sends another invitation.
struct ResendUserInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resend", abstract: "Send another invitation to an invited user immediately, and revoke the earlier one.")

  @OptionGroup var order: InvitationOrderArguments

  func run() async throws { try await order.execute(.resend) }
}

/// `scimctl user revoke WHO`, which stops the mails of an invitation.
struct RevokeUserInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Stop invitations and reminders to a user, who can still sign in.")

  @OptionGroup var order: InvitationOrderArguments

  func run() async throws { try await order.execute(.revoke) }
}

/// `scimctl user invitation-link WHO`, which prints where an invited user signs in.
struct PrintInvitationLink: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invitation-link", abstract: "Print the link with which an invited user signs in, as the invitation contains it.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument

  func run() async throws {
    try await withServer(for: "user invitation-link") { server in
      let workspace = try await server.workspace(workspace)
      let found = try await server.user(user.who, in: workspace)
      let details: UserDetails = try await server.client.get(.workspace("\(workspace.id)", "members", "\(found.id)")).decoded(as: "member")
      guard let link = details.signInLink else {
        throw ScimctlError(.rejected, "\(found.userName) is \(found.state.rawValue): only invited users have a link")
      }
      print(link)
    }
  }
}

/// The argument that names a user.
struct UserArgument: ParsableArguments {
  @Argument(help: "The address, userName or id of the user.")
  var who: String
}

/// The arguments of commands about the invitation of a user.
struct InvitationOrderArguments: ParsableArguments {
  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument

  /// Sends the order, and prints what happens.
  func execute(_ action: InvitationAction) async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let found = try await administration.user(user.who, in: workspace)
      try await administration.order(action, for: found, in: workspace)
      let consequence = action == .resend ? "will receive another invitation" : "will receive no more mail"
      print("\(PlainText.line(found.userName)) of \(workspace.settings.slug) \(consequence)")
    }
  }
}

extension UserState: ExpressibleByArgument {}
