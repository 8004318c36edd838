import ArgumentParser
import Foundation
import Models

/// `scimctl invitation`, the commands for invitations.
struct InvitationCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invitation", abstract: "Invitations, their templates and their branding.",
    subcommands: [
      ListInvitations.self, ShowInvitation.self, ResendInvitation.self, RevokeInvitation.self, InvitationTemplateCommands.self,
      InvitationBrandingCommand.self,
    ])
}

/// `scimctl invitation list`, which lists invitations.
struct ListInvitations: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List invitations, the latest first: address, state, since, sent, next mail, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only invitations in this state.")
  var state: InvitationState?

  @Flag(
    help: "List invited users without an invitation instead: address, created, id. See 'scimctl rebuild --help'.")
  var missing = false

  @Option(help: "The maximum number of rows.")
  var limit = 1000

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
    if missing, state != nil { throw ValidationError("--missing and --state exclude each other.") }
  }

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      if missing {
        try await listMissing(in: workspace, administration)
      } else {
        let found = try await administration.invitations(state, limit: limit, in: workspace)
        try output.print(found.items, as: InvitationRow.table)
        if found.isCut { printLimitNote() }
      }
    }
  }

  private func printLimitNote() {
    StandardError.print("scimctl: only the first \(limit) are listed; use --limit to list more")
  }

  private func listMissing(in workspace: StoredWorkspace, _ administration: any Administration) async throws {
    let found = try await administration.uninvitedUsers(limit: limit, in: workspace)
    try output.print(found.items, as: UninvitedUser.table)
    if found.isCut { printLimitNote() }
    guard !found.items.isEmpty, let createdAt = try await administration.mailerOrigin else { return }
    StandardError.print(
      """
      scimctl: the mailer's database was created at \(Timestamp.text(createdAt)). 'scimctl rebuild' invites users who were created later; \
      with '--invitations all' also the others
      """)
  }
}

/// `scimctl invitation show WHO`, which shows the invitations of a user.
struct ShowInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the invitations of a user, the latest first, each with its history.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The address, userName or id of the user; or the id of an invitation, or its first characters.")
  var who: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let invitations = try await invitations(in: workspace, administration)
      guard !invitations.isEmpty else { throw ScimctlError(.notFound, "'\(who)' has no invitation") }
      for (index, invitation) in invitations.enumerated() {
        if index > 0, !output.json { print() }
        try output.print(invitation) { invitation.description }
        if !output.json { for line in invitation.historyTable.lines { print("  \(line)") } }
      }
    }
  }

  private func invitations(in workspace: StoredWorkspace, _ administration: any Administration) async throws -> [InvitationRow] {
    if let user = try await administration.findUser(who, in: workspace) {
      return try await administration.invitations(of: user.id, in: workspace)
    }
    guard let prefix = IDPrefix(argument: who) else {
      throw ScimctlError(
        .notFound, "workspace \(workspace.settings.slug) has no user '\(who)'. 'scimctl invitation list' lists the invitations")
    }
    let id = InvitationID(try await administration.id(of: .invitations, prefix, in: workspace))
    return try await administration.invitation(id, in: workspace).map { [$0] } ?? []
  }
}

/// `scimctl invitation resend WHO`, which sends another invitation.
struct ResendInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resend", abstract: "Send another invitation to an invited user immediately, and revoke the earlier one.")

  @OptionGroup var order: InvitationOrderArguments

  func run() async throws { try await order.execute(.resend) }
}

/// `scimctl invitation revoke WHO`, which stops the mails of an invitation.
struct RevokeInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Stop invitations and reminders to a user, who can still sign in.")

  @OptionGroup var order: InvitationOrderArguments

  func run() async throws { try await order.execute(.revoke) }
}

extension InvitationState: ExpressibleByArgument {}
