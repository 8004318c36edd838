import ArgumentParser
import Foundation
import MailTemplates
import Models
import Postgres
import Primitives
import ServiceKit

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
    commandName: "list", abstract: "List invitations, the latest change first: address, state, since, sent, next mail, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only invitations in this state.")
  var state: InvitationState?

  @Flag(
    help: "List invited users without an invitation instead: address, created, id. See 'scimctl rebuild --help'.")
  var missing = false

  @Option(help: "The maximum number of rows.")
  var limit = 1000

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
    if missing, state != nil { throw ValidationError("--missing and --state exclude each other.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    if missing { return try await listMissing(settings) }
    let (table, isCut) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let rows = try await pool.query(
        InvitationQueries.list,
        [.uuid(workspace.id.uuid), .optional(state?.rawValue, PostgresValue.text), .int(Int64(limit) + 1)])
      var table = Table()
      for row in rows.prefix(limit) {
        table.append([
          try row.optionalString(0), try row.string(1), Timestamp.text(try row.timestamp(2)),
          try row.optionalTimestamp(3).map(Timestamp.text),
          try row.optionalTimestamp(4).map(Timestamp.text), "\(InvitationID(try row.uuid(5)))",
        ])
      }
      return (table, rows.count > limit)
    }
    table.print()
    if isCut { printLimitNote() }
  }

  private func printLimitNote() {
    StandardError.print("scimctl: only the first \(limit) are listed; use --limit to list more")
  }

  private func listMissing(_ settings: ServiceSettings) async throws {
    let (table, isCut, createdAt) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let rows = try await pool.query(InvitationQueries.missing, [.uuid(workspace.id.uuid), .int(Int64(limit) + 1)])
      var table = Table()
      for row in rows.prefix(limit) {
        table.append([try row.string(0), Timestamp.text(try row.timestamp(1)), "\(UserID(try row.uuid(2)))"])
      }
      return (table, rows.count > limit, try await pool.query(InvitationQueries.origin).first?.timestamp(0))
    }
    table.print()
    if isCut { printLimitNote() }
    if let createdAt, !table.isEmpty {
      StandardError.print(
        """
        scimctl: the mailer's database was created at \(Timestamp.text(createdAt)). 'scimctl rebuild' invites users who were created later; \
        with '--invitations all' also the others
        """)
    }
  }
}

/// `scimctl invitation show WHO`, which shows the invitations of a user.
struct ShowInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show the invitations of a user, the latest first, each with its history.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The address, userName or id of the user; or the id of an invitation, or its first characters.")
  var who: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let tables = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let user = try await InvitedUser.find(who, in: workspace.id, on: pool)
      let invitation = try await self.invitation(in: workspace, unless: user, on: pool)
      let rows = try await pool.query(
        InvitationQueries.details,
        [
          .uuid(workspace.id.uuid), .optional(invitation, PostgresValue.uuid), .optional(user?.id.uuid, PostgresValue.uuid),
          .int(50),
        ])
      guard rows.count > 0 else { throw ScimctlError(.notFound, "'\(who)' has no invitation") }
      var tables: [(Table, Table)] = []
      for row in rows {
        let history = try await pool.query(InvitationQueries.history, [.uuid(workspace.id.uuid), .uuid(try row.uuid(11))])
        tables.append((try Self.details(row), try Self.history(history)))
      }
      return tables
    }
    for (index, (details, history)) in tables.enumerated() {
      if index > 0 { print() }
      details.print()
      for line in history.lines { print("  \(line)") }
    }
  }

  /// The id of the invitation if the argument is an id or the first characters of one; nil if it names a user.
  private func invitation(in workspace: StoredWorkspace, unless user: InvitedUser?, on pool: PostgresPool) async throws -> UUID? {
    guard user == nil, let prefix = IDPrefix(argument: who) else { return nil }
    return try await prefix.resolve(
      "user or invitation", list: "scimctl invitation list", in: workspace, on: pool, IDQueries.invitationIDs)
  }

  private static func details(_ row: Row) throws -> Table {
    var table = Table()
    table.append(["invitation", "\(InvitationID(try row.uuid(11)))"])
    table.append(["to", try row.optionalString(0)])
    table.append(["user", "\(UserID(try row.uuid(12)))"])
    table.append(["state", "\(try row.string(1)): \(try row.string(2))"])
    table.append(["since", Timestamp.text(try row.timestamp(3))])
    table.append(["created", Timestamp.text(try row.timestamp(4))])
    table.append(["sent", try row.optionalTimestamp(5).map(Timestamp.text)])
    table.append(["next-mail", try row.optionalTimestamp(6).map(Timestamp.text)])
    table.append(["expires", try row.optionalTimestamp(7).map(Timestamp.text)])
    table.append(["attempts", "\(try row.int(9))"])
    table.append(["answer", try row.optionalString(10)])
    return table
  }

  private static func history(_ rows: Rows) throws -> Table {
    var table = Table()
    for row in rows { table.append([Timestamp.text(try row.timestamp(0)), try row.string(1), try row.string(2)]) }
    return table
  }
}

/// `scimctl invitation resend WHO`, which sends another invitation.
struct ResendInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resend", abstract: "Send another invitation to an invited user immediately, and revoke the earlier one.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The address, userName or id of the user.")
  var who: String

  func run() async throws {
    let (name, slug) = try await InvitedUser.order(who, in: workspace) { .resend($0) }
    print("\(name) of \(slug) will receive another invitation")
  }
}

/// `scimctl invitation revoke WHO`, which stops the mails of an invitation.
struct RevokeInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Stop invitations and reminders to a user, who can still sign in.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The address, userName or id of the user.")
  var who: String

  func run() async throws {
    let (name, slug) = try await InvitedUser.order(who, in: workspace) { .revoke($0) }
    print("\(name) of \(slug) will receive no more mail")
  }
}

/// A user with an invitation, as a command names them.
struct InvitedUser: Sendable {
  var id: UserID
  var userName: String

  /// Finds a user by id, userName or address; nil if there is none.
  ///
  /// - Throws: ``ScimctlError`` if several users match; `PostgresError`.
  static func find(_ who: String, in workspace: WorkspaceID, on pool: PostgresPool) async throws -> InvitedUser? {
    let rows = try await pool.query(
      InvitationQueries.user, [.uuid(workspace.uuid), .optional(UserID(who)?.uuid, PostgresValue.uuid), .text(ComparisonKey(who).text)])
    guard rows.count < 2 else { throw ScimctlError(.usage, "several users match '\(who)'. Use an id; 'scimctl user list' shows the ids") }
    guard let row = rows.first else { return nil }
    return InvitedUser(id: UserID(try row.uuid(0)), userName: try row.string(1))
  }

  /// Sends an order about a user to the mailer.
  ///
  /// - Returns: The userName and the slug of the workspace.
  /// - Throws: ``ScimctlError`` if there is no such user, or identity-store rejects the order.
  static func order(_ who: String, in option: WorkspaceOption, _ order: (UserID) -> InvitationOrder) async throws -> (String, String) {
    let settings = try await Settings.forWriting()
    return try await withDatabase(settings) { pool in
      let workspace = try await option.resolve(settings, on: pool)
      guard let user = try await find(who, in: workspace.id, on: pool) else {
        throw ScimctlError(.notFound, "workspace \(workspace.settings.slug) has no user '\(who)'. 'scimctl user list' lists the users")
      }
      let order = order(user.id)
      try await withCommandClient(settings, pool: pool) {
        try await $0.execute(.orderInvitation(order), on: user.id.resource, in: workspace.id)
      }
      return (user.userName, workspace.settings.slug)
    }
  }
}

extension InvitationState: ExpressibleByArgument {}
