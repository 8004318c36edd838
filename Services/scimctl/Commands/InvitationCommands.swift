import ArgumentParser
import Foundation
import MailTemplates
import Models
import Postgres
import Primitives
import ServiceKit

/// `scimctl invitation …`
struct InvitationCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invitation", abstract: "The invitations of people, and how they read.",
    subcommands: [
      ListInvitations.self, ShowInvitation.self, ResendInvitation.self, RevokeInvitation.self, InvitationTemplateCommands.self,
      InvitationBrandingCommand.self,
    ])
}

/// `scimctl invitation list`
struct ListInvitations: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List invitations, those first that changed last: address, state, since when, sent, next mail, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only those in this state.")
  var state: InvitationState?

  @Flag(
    help: "Rather who is invited and has no invitation on record: address, when created, id. 'scimctl rebuild --help' says what of them.")
  var missing = false

  @Option(help: "The most to list.")
  var limit = 1000

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit has to be at least 1.") }
    if missing, state != nil { throw ValidationError("Who has no invitation has none in a state: give --missing or --state.") }
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
    if isCut { sayCut() }
  }

  private func sayCut() {
    FileHandle.standardError.write(Data("scimctl: only the first \(limit) are listed; --limit lists more\n".utf8))
  }

  private func listMissing(_ settings: ServiceSettings) async throws {
    let (table, isCut, begunAt) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let rows = try await pool.query(InvitationQueries.missing, [.uuid(workspace.id.uuid), .int(Int64(limit) + 1)])
      var table = Table()
      for row in rows.prefix(limit) {
        table.append([try row.string(0), Timestamp.text(try row.timestamp(1)), "\(UserID(try row.uuid(2)))"])
      }
      return (table, rows.count > limit, try await pool.query(InvitationQueries.origin).first?.timestamp(0))
    }
    table.print()
    if isCut { sayCut() }
    if let begunAt, !table.lines.isEmpty {
      FileHandle.standardError.write(
        Data(
          """
          scimctl: the mailer's database was begun \(Timestamp.text(begunAt)). 'scimctl rebuild' invites those who were created later; \
          with '--invitations all' the others, too\n
          """.utf8))
    }
  }
}

/// `scimctl invitation show WHO`
struct ShowInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a person's invitations, the latest first, each with its history.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The person's address, userName or id, or the id of an invitation, or its beginning.")
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
      guard rows.count > 0 else { throw Failure(.notFound, "there is no invitation of '\(who)'") }
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

  /// The invitation that is named by its id, or by the beginning of it; nil where a person is named.
  private func invitation(in workspace: KnownWorkspace, unless user: InvitedUser?, on pool: PostgresPool) async throws -> UUID? {
    guard user == nil, let prefix = IDPrefix(argument: who) else { return nil }
    return try await prefix.resolve(
      "person or invitation", list: "scimctl invitation list", in: workspace, on: pool, Queries.invitationIDs)
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

/// `scimctl invitation resend WHO`
struct ResendInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resend", abstract: "Send someone who is invited another invitation, at once; the earlier one is revoked.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The person's address, userName or id.")
  var who: String

  func run() async throws {
    let (name, slug) = try await InvitedUser.order(who, in: workspace) { .resend($0) }
    print("\(name) of \(slug) gets another invitation")
  }
}

/// `scimctl invitation revoke WHO`
struct RevokeInvitation: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Send someone no more invitations or reminders; they can sign in all the same.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The person's address, userName or id.")
  var who: String

  func run() async throws {
    let (name, slug) = try await InvitedUser.order(who, in: workspace) { .revoke($0) }
    print("\(name) of \(slug) gets no more mail")
  }
}

/// A person whom a command is about.
struct InvitedUser: Sendable {
  var id: UserID
  var userName: String

  /// nil where there is none.
  ///
  /// - Throws: ``Failure`` where several are meant; `PostgresError`.
  static func find(_ who: String, in workspace: WorkspaceID, on pool: PostgresPool) async throws -> InvitedUser? {
    let rows = try await pool.query(
      InvitationQueries.user, [.uuid(workspace.uuid), .optional(UserID(who)?.uuid, PostgresValue.uuid), .text(ComparisonKey(who).text)])
    guard rows.count < 2 else { throw Failure(.usage, "several people are '\(who)': name one by id. 'scimctl user list' shows them") }
    guard let row = rows.first else { return nil }
    return InvitedUser(id: UserID(try row.uuid(0)), userName: try row.string(1))
  }

  /// Has the mailer carry out an order about someone.
  static func order(_ who: String, in option: WorkspaceOption, _ order: (UserID) -> InvitationOrder) async throws -> (String, String) {
    let settings = try await Settings.forWriting()
    return try await withDatabase(settings) { pool in
      let workspace = try await option.resolve(settings, on: pool)
      guard let user = try await find(who, in: workspace.id, on: pool) else {
        throw Failure(.notFound, "nobody in \(workspace.settings.slug) is '\(who)'. 'scimctl user list' shows who there is")
      }
      let store = try await CommandClient(settings, pool: pool)
      try await store.carryOut(.orderInvitation(order(user.id)), on: user.id.resource, in: workspace.id)
      return (user.userName, workspace.settings.slug)
    }
  }
}

extension InvitationState: ExpressibleByArgument {}
