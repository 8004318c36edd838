import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/members`: the members by state or name, and a page for each with the actions on its invitation.
struct MembersController: ConsoleController {
  private let membersQuery: MembersQuery
  private let memberQuery: MemberQuery
  private let timelineQuery: TimelineQuery
  private let accountsQuery: AccountsQuery
  private let cursors: CursorSeal
  private let commands: CommandClient
  private let listTemplate: ConsoleTemplate
  private let memberTemplate: ConsoleTemplate
  private let deletedTemplate: ConsoleTemplate

  /// The number of members on a page.
  static let pageSize = 50

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, cursors: CursorSeal, commands: CommandClient) throws {
    membersQuery = MembersQuery(database: database)
    memberQuery = MemberQuery(database: database)
    timelineQuery = TimelineQuery(database: database)
    accountsQuery = AccountsQuery(database: database)
    self.cursors = cursors
    self.commands = commands
    listTemplate = try ConsoleTemplate(PackageResources.members_mustache)
    memberTemplate = try ConsoleTemplate(PackageResources.member_mustache)
    deletedTemplate = try ConsoleTemplate(PackageResources.deleted_member_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    // The members page is the first page of the console.
    group.page("", use: list)
    group.page("members", use: list)
    group.page("members/{id}", use: show)
    group.form("members/{id}/resend") { form, context in
      try await order(form, context, "is on its way again") { .resend($0) }
    }
    group.form("members/{id}/revoke") { form, context in
      try await order(form, context, "is revoked: they get no more mail") { .revoke($0) }
    }
  }

  /// The path of a member's page.
  static func path(of member: UserID) -> String { "\(ConsoleSection.members.path)/\(member)" }

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let now = Date()
    let request = try MembersRequest(parameters)
    async let totals = membersQuery.totals(in: context.workspace)
    let found: [MemberSummary]
    switch request.query {
    case .search(let text, let state):
      found = try await membersQuery.members(
        beginningWith: text, in: state.map { [$0] } ?? UserState.allCases, limit: Self.pageSize + 1, in: context.workspace)
    case .list(let state, let order):
      let place = try request.cursor.map { text throws(APIError) in
        try cursors.cursor(text, for: request.listName, in: context.workspace, at: now).place
      }
      found = try await membersQuery.members(state, by: order, after: place, limit: Self.pageSize + 1, in: context.workspace)
    }
    let actors = try await ActorNames(
      in: found.compactMap { $0.state == .invited ? $0.invitation?.reason : nil }, of: context.workspace, database: membersQuery.database)
    let view = MembersView(
      request, found, totals: try await totals, workspace: context.session.caller.settings, actors: actors, at: now
    ) { last in
      let cursor = Cursor(place: CursorPosition(key: last.nameKey, kind: .user, id: last.id.resource), total: 0)
      return cursors.text(of: cursor, for: request.listName, in: context.workspace, at: now)
    }
    return ConsolePage(title: "Members", section: .members, template: listTemplate, values: view)
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let (now, workspace) = (Date(), context.workspace)
    let id = try Self.id(in: context)
    let list = "console/members/\(id)/timeline"
    // The key of the cursor is a time in milliseconds.
    let before = try parameters["older"].map { text throws(APIError) in
      guard let key = try cursors.cursor(text, for: list, in: workspace, at: now).place.key, let milliseconds = Double(key) else {
        throw APIError.invalidCursor()
      }
      return Date(timeIntervalSince1970: milliseconds / 1000)
    }
    func older(than next: Date) -> String {
      let place = CursorPosition(key: String(Int64((next.timeIntervalSince1970 * 1000).rounded())), kind: .user, id: id.resource)
      return "\(Self.path(of: id))?older=\(cursors.text(of: Cursor(place: place, total: 0), for: list, in: workspace, at: now))#timeline"
    }
    guard let stored = try await memberQuery.member(id, in: workspace) else {
      return try await deletedPage(id, before: before, older: older, in: workspace)
    }
    async let groups = memberQuery.groups(of: id, in: workspace)
    async let invitations = memberQuery.invitations(of: id, in: workspace)
    async let accounts = accountsQuery.accounts(linked: nil, after: nil, limit: 1, in: workspace)
    let timeline = try await timelineQuery.timeline(
      of: id, member: stored, deletedAt: nil, before: before ?? .distantFuture, in: workspace)
    let (storedInvitations, memberships) = (try await invitations, try await groups)
    let hasAccounts = try await !accounts.isEmpty
    let actors = try await ActorNames(
      in: storedInvitations.map(\.reason) + timeline.actorTexts, of: workspace, database: memberQuery.database)
    let view = try MemberView(
      stored, groups: memberships, invitations: storedInvitations,
      timeline: TimelineView(timeline, of: id, isOlder: before != nil, actors: actors, older),
      workspace: context.session.caller.settings, actors: actors, orderedAt: parameters["ordered"].flatMap(Timestamp.date),
      hasAccounts: hasAccounts, enteredAccount: parameters["account"].map { String($0.prefix(1024)) }, at: now)
    return ConsolePage(title: stored.name.text, section: .members, template: memberTemplate, values: view)
  }

  /// The page of a deleted member.
  ///
  /// - Throws: 404 if the member never existed.
  private func deletedPage(
    _ id: UserID, before: Date?, older: (Date) -> String, in workspace: WorkspaceID
  ) async throws -> ConsolePage {
    guard let deleted = try await memberQuery.tombstone(of: id, in: workspace) else {
      throw APIError(404, "The workspace has no member with the id \(id).")
    }
    let receipts = try await memberQuery.receipts(of: id, before: .distantFuture, limit: MemberQuery.maximumReceipts, in: workspace)
    let timeline = try await timelineQuery.timeline(
      of: id, member: nil, deletedAt: deleted.deletedAt, before: before ?? .distantFuture, in: workspace)
    let actors = try await ActorNames(in: timeline.actorTexts, of: workspace, database: memberQuery.database)
    let view = DeletedMemberView(
      id, deleted, receipts: receipts, timeline: TimelineView(timeline, of: id, isOlder: before != nil, actors: actors, older))
    return ConsolePage(title: "Deleted member", section: .members, status: .gone, template: deletedTemplate, values: view)
  }

  /// Sends an order about the member's invitation to invitation-mailer, through identity-store.
  ///
  /// - Parameter result: the rest of the sentence "The invitation of Ana …".
  private func order(
    _ form: Form, _ context: ConsoleContext, _ result: String, _ order: (UserID) -> InvitationOrder
  ) async throws -> FormResult {
    let id = try Self.id(in: context)
    guard let stored = try await memberQuery.member(id, in: context.workspace) else {
      throw APIError(404, "The workspace has no member with the id \(id). Nothing was changed.")
    }
    let now = Date()
    let outcome = try await commands.execute(
      .orderInvitation(order(id)), on: id.resource, for: context.session.caller, info: context.info)
    if case .refused(let status, let error) = outcome { throw APIError(status: status, stored: error) }
    let path =
      form["back"] == "list" ? MembersRequest(.list(.invited, by: .name)).path : "\(Self.path(of: id))?ordered=\(Timestamp.text(now))"
    return .redirect(to: path, message: "The invitation of \(stored.name.text) \(result).")
  }

  private static func id(in context: ConsoleContext) throws(APIError) -> UserID {
    let text = context.parameters.get("id") ?? ""
    guard let id = UserID(text) else { throw APIError(404, "The workspace has no member with the id '\(text.prefix(100))'.") }
    return id
  }
}
