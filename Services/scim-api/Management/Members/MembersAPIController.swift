import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import MailTemplates
import Models
import SCIM

/// `…/members`: the members by state or name, one member with its timeline, and the orders about its invitation.
struct MembersAPIController: ManagementController {
  private let members: MembersQuery
  private let member: MemberQuery
  private let timelines: TimelineQuery
  private let commands: ManagementCommands
  private let cursors: CursorSeal

  init(_ dependencies: ManagementDependencies) {
    members = MembersQuery(database: dependencies.database)
    member = MemberQuery(database: dependencies.database)
    timelines = TimelineQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
  }

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.read("members", use: list)
    group.read("members/{id}", use: show)
    group.read("members/{id}/timeline", use: timeline)
    group.action("members/{id}/invitation/resend") { request, context in try await order(request, context) { .resend($0) } }
    group.action("members/{id}/invitation/revoke") { request, context in try await order(request, context) { .revoke($0) } }
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["state", "q", "order", "limit", "cursor"])
    let (workspace, now) = (context.caller.workspace, Date())
    let state: UserState? = try parameters.choice("state")
    let order: MembersQuery.Order = try parameters.choice("order") ?? .name
    let text = try parameters.search("q").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    let found: [ListedMember]
    let next: String?
    var isComplete: Bool?
    if let text, !text.isEmpty {
      guard parameters["cursor"] == nil, parameters["order"] == nil else {
        throw ProblemDetails.invalid("q", "A search has one page, in the order of names: leave out order and cursor, and refine q instead.")
      }
      let page = try ListPage(parameters, of: "members?q", in: workspace, cursors: cursors, at: now)
      let all = try await members.members(
        beginningWith: text, in: state.map { [$0] } ?? UserState.allCases, limit: page.readLimit, in: workspace)
      (found, next, isComplete) = (Array(all.prefix(page.limit)), nil, all.count <= page.limit)
    } else {
      let state = state ?? .active
      let page = try ListPage(
        parameters, of: "members?\(state.rawValue)&\(order.rawValue)", in: workspace, cursors: cursors, at: now)
      let all = try await members.members(state, by: order, after: page.after, limit: page.readLimit, in: workspace)
      (found, next) = page.split(all) { CursorPosition(key: $0.nameKey, kind: .user, id: $0.id.resource) }
    }
    let actors = try await ActorNames(
      in: found.compactMap { $0.invitation?.reason }, of: workspace, database: members.database)
    var object: JSONObject = ["members": .array(found.map { $0.json(actors) })]
    object["isComplete"] = isComplete.map(JSON.bool)
    object.add("nextCursor", next)
    return .object(object)
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check([])
    let (id, workspace) = (try context.id(of: "member", UserID.self), context.caller.workspace)
    guard let stored = try await member.member(id, in: workspace) else {
      guard let deleted = try await member.tombstone(of: id, in: workspace) else { throw ProblemDetails.unknown("member", "\(id)") }
      throw ProblemDetails.deleted(id, deleted)
    }
    async let groups = member.groups(of: id, in: workspace)
    let invitations = try await member.invitations(of: id, in: workspace)
    let actors = try await ActorNames(in: invitations.map(\.reason), of: workspace, database: member.database)
    return try MemberBody(
      member: stored, memberships: try await groups, invitations: invitations, actors: actors,
      signInLink: WorkspaceNotice(context.caller.settings).link
    ).json()
  }

  /// The timeline of a member, also of a deleted one.
  @Sendable private func timeline(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["limit", "cursor"])
    let (id, workspace) = (try context.id(of: "member", UserID.self), context.caller.workspace)
    let page = try ListPage(parameters, of: "members/\(id)/timeline", in: workspace, cursors: cursors, at: Date())
    let stored = try await member.member(id, in: workspace)
    let deleted = stored == nil ? try await member.tombstone(of: id, in: workspace) : nil
    guard stored != nil || deleted != nil else { throw ProblemDetails.unknown("member", "\(id)") }
    // The key of the cursor is a time in milliseconds.
    let before = try page.after.map { place in
      guard let milliseconds = place.key.flatMap(Double.init) else { throw APIError.invalidCursor() }
      return Date(timeIntervalSince1970: milliseconds / 1000)
    }
    let timeline = try await timelines.timeline(
      of: id, member: stored, deletedAt: deleted?.deletedAt, before: before ?? .distantFuture, limit: page.limit, in: workspace)
    let actors = try await ActorNames(in: timeline.actorTexts, of: workspace, database: member.database)
    var object: JSONObject = ["events": .array(timeline.events.map { $0.json(actors) })]
    object.add(
      "nextCursor",
      timeline.next.map { next in
        let key = String(Int64((next.timeIntervalSince1970 * 1000).rounded()))
        return page.cursor(after: CursorPosition(key: key, kind: .user, id: id.resource))
      })
    return .object(object)
  }

  /// Sends an order about the member's invitation to invitation-mailer, through identity-store.
  private func order(
    _ request: Request, _ context: CallerContext, _ order: @Sendable (UserID) -> InvitationOrder
  ) async throws -> Response {
    let id = try context.id(of: "member", UserID.self)
    try await commands.execute(.orderInvitation(order(id)), on: id.resource, request, context)
    return .accepted
  }
}

extension ProblemDetails {
  /// 410 for a deleted member.
  fileprivate static func deleted(_ id: UserID, _ deleted: DeletedResource) -> ProblemDetails {
    let successor = deleted.successor.map { " The member \($0.id) has the user name now." } ?? ""
    return ProblemDetails(
      410, .deletedMember,
      """
      The member \(id) was deleted at \(Timestamp.text(deleted.deletedAt)).\(successor) The timeline and the receipts of the member remain: \
      …/members/\(id)/timeline and …/receipts?member=\(id).
      """)
  }
}

extension ProblemDetails.Kind {
  /// The member was deleted; its timeline remains.
  fileprivate static let deletedMember = Self(name: "deleted-member", title: "The member was deleted")
}
