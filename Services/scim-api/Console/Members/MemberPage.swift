import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM
import SCIMStorage

/// `/console/members/{id}`: all that there is of one person, and what can be done for somebody invited.
struct MemberPage: Sendable {
  let query: MemberQuery
  let reads: DatabaseReads
  let cursors: CursorSeal
  let commands: CommandClient
  private let template: ConsoleTemplate
  private let deletedTemplate: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init(database: Database, cursors: CursorSeal, commands: CommandClient) throws {
    query = MemberQuery(database: database)
    reads = DatabaseReads(database: database)
    self.cursors = cursors
    self.commands = commands
    template = try ConsoleTemplate(PackageResources.member_mustache)
    deletedTemplate = try ConsoleTemplate(PackageResources.deleted_member_mustache)
  }

  var all: [ConsoleEndpoint] {
    [
      .page("/members/{id}") { try await page($0, $1) },
      .action("/members/{id}/resend") { form, context in
        try await order(form, context, "is on its way again") { .resend($0) }
      },
      .action("/members/{id}/revoke") { form, context in
        try await order(form, context, "is revoked: they get no more mail") { .revoke($0) }
      },
    ]
  }

  static func path(of member: UserID) -> String { "\(ConsoleSection.members.path)/\(member)" }

  private func page(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let (now, workspace) = (Date(), context.workspace)
    let id = try Self.id(in: context)
    let list = "console/members/\(id)/timeline"
    // The place is a moment, in milliseconds.
    let before = try parameters["older"].map { text throws(APIError) in
      guard let key = try cursors.cursor(text, for: list, in: workspace, at: now).place.key, let milliseconds = Double(key) else {
        throw APIError.invalidCursor()
      }
      return Date(timeIntervalSince1970: milliseconds / 1000)
    }
    func older(than next: Date) -> String {
      let place = Place(key: String(Int64((next.timeIntervalSince1970 * 1000).rounded())), kind: .user, id: id.resource)
      return "\(Self.path(of: id))?older=\(cursors.text(of: Cursor(place: place, total: 0), for: list, in: workspace, at: now))#timeline"
    }
    guard let member = try await query.member(id, in: workspace) else {
      return try await deletedPage(id, before: before, older: older, in: workspace)
    }
    async let groups = query.groups(of: id, in: workspace)
    async let invitations = query.invitations(of: id, in: workspace)
    let timeline = try await TimelineQuery(database: query.database).timeline(
      of: id, member: member, deletedAt: nil, before: before ?? .distantFuture, in: workspace)
    let (invited, standings) = (try await invitations, try await groups)
    let actors = try await ActorNames(
      in: invited.map(\.reason) + timeline.namedActors, of: workspace, database: query.database)
    let view = try MemberView(
      member, groups: standings, invitations: invited,
      timeline: TimelineView(timeline, of: id, isOlder: before != nil, actors: actors, older),
      workspace: context.session.caller.settings, actors: actors, orderedAt: parameters["ordered"].flatMap(Timestamp.date), at: now)
    return ConsolePage(title: member.name.shown, section: .members, template: template, values: view)
  }

  /// What is left of somebody who was deleted.
  ///
  /// - Throws: 404 where there never was such a person.
  private func deletedPage(
    _ id: UserID, before: Date?, older: (Date) -> String, in workspace: WorkspaceID
  ) async throws -> ConsolePage {
    guard let remains = try await reads.remains(of: .user, id.resource, in: workspace) else {
      throw APIError(404, "The workspace has no member with the id \(id).")
    }
    let receipts = try await query.receipts(of: id, before: .distantFuture, limit: MemberQuery.maximumReceipts, in: workspace)
    let timeline = try await TimelineQuery(database: query.database).timeline(
      of: id, member: nil, deletedAt: remains.deletedAt, before: before ?? .distantFuture, in: workspace)
    let actors = try await ActorNames(in: timeline.namedActors, of: workspace, database: query.database)
    let view = DeletedMemberView(
      id, remains, receipts: receipts, timeline: TimelineView(timeline, of: id, isOlder: before != nil, actors: actors, older))
    return ConsolePage(title: "Deleted member", section: .members, status: .gone, template: deletedTemplate, values: view)
  }

  /// Has invitation-mailer do something, by way of identity-store, as scimctl does.
  private func order(
    _ form: Form, _ context: ConsoleContext, _ saying: String, _ order: (UserID) -> InvitationOrder
  ) async throws -> ConsoleEndpoint.Answer {
    let id = try Self.id(in: context)
    guard let member = try await query.member(id, in: context.workspace) else {
      throw APIError(404, "The workspace has no member with the id \(id). Nothing was changed.")
    }
    let now = Date()
    let outcome = try await commands.execute(
      .orderInvitation(order(id)), on: id.resource, for: context.session.caller, info: context.info)
    if case .refused(let status, let error) = outcome { throw APIError(refusedByStore: status, error) }
    let path =
      form["back"] == "list" ? MembersRequest(.list(.invited, by: .name)).path : "\(Self.path(of: id))?ordered=\(Timestamp.text(now))"
    return .redirect(to: path, saying: "The invitation of \(member.name.shown) \(saying).")
  }

  private static func id(in context: ConsoleContext) throws(APIError) -> UserID {
    let text = context.parameters.get("id") ?? ""
    guard let id = UserID(text) else { throw APIError(404, "The workspace has no member with the id '\(text.prefix(100))'.") }
    return id
  }
}

extension APIError {
  /// What identity-store refused, in its words.
  fileprivate init(refusedByStore status: Int, _ error: [UInt8]) {
    let detail: String? = if let json = try? JSON(parsing: error) { json.object?["detail"]?.string } else { nil }
    self.init(status, detail ?? "It was refused with \(status).")
  }
}

extension Timeline {
  /// The texts in which those are named who did something.
  var namedActors: [String] {
    events.compactMap { event in
      switch event.what {
      case .mailed(_, let reason): reason
      case .held(_, let who), .decided(_, _, let who): who
      case .pushed, .cameToBe, .firstSignedIn, .lastSignedIn, .superseded, .accessEnded, .deleted: nil
      }
    }
  }
}
