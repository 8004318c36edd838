import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import MailTemplates
import Models
import SCIM

/// `…/members`: the members by state or name, one member with its timeline, and the orders about its invitation.
struct MembersAPIController: ManagementController {
  private let workspaces: WorkspacesQuery
  private let members: MembersQuery
  private let member: MemberQuery
  private let timelines: TimelineQuery
  private let exports: MemberExportQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader

  init(_ dependencies: Management.Dependencies) {
    workspaces = WorkspacesQuery(database: dependencies.database)
    members = MembersQuery(database: dependencies.database)
    member = MemberQuery(database: dependencies.database)
    timelines = TimelineQuery(database: dependencies.database)
    exports = MemberExportQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("members", use: list)
    routes.workspace.read("members/{id}", use: show)
    routes.workspace.read("members/{id}/timeline", use: timeline)
    routes.workspace.getAndHead("members/{id}/export", use: export)
    routes.workspace.action("members/{id}/invitation/resend") { request, context in try await order(request, context) { .resend($0) } }
    routes.workspace.action("members/{id}/invitation/revoke") { request, context in try await order(request, context) { .revoke($0) } }
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["state", "q", "name", "order", "limit", "cursor"])
    if let name = try parameters.search("name", maximum: TextBounds.name) { return try await named(name, parameters, context) }
    let state: UserState? = try parameters.choice("state")
    let text = try parameters.search("q").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") } ?? ""
    guard text.isEmpty else { return try await search(text, in: state, parameters, context) }
    let order: MembersQuery.Order = try parameters.choice("order") ?? .name
    let page = try AdminPage(
      parameters, of: "members", filters: [(state ?? .active).rawValue, order.rawValue], for: context.caller, cursors: cursors)
    let found = try await members.members(
      state ?? .active, by: order, after: page.after, limit: page.readLimit, in: context.caller.workspace)
    let actors = try await actors(of: found, context)
    return page.response(found) {
      CursorPosition(after: $0.id.uuid, key: $0.nameKey)
    } json: {
      $0.json(actors)
    }
  }

  /// The members whose name, user name or address starts with a text: one page, in the order of names.
  private func search(
    _ text: String, in state: UserState?, _ parameters: QueryParameters, _ context: CallerContext
  ) async throws -> Response {
    for name in ["cursor", "order"] where parameters[name] != nil {
      throw ProblemDetails.invalidParameter(
        name, "A search with q has one page, in the order of names. Leave out \(name); refine q instead.")
    }
    let page = try AdminPage(parameters, of: "members", for: context.caller, cursors: cursors)
    let found = try await members.members(
      beginningWith: text, in: state.map { [$0] } ?? UserState.allCases, limit: page.readLimit, in: context.caller.workspace)
    let actors = try await actors(of: found, context)
    return page.response(
      found.prefix(page.limit).map { $0.json(actors) }, with: ["isComplete": .bool(found.count <= page.limit)], next: nil)
  }

  /// The members with this user name or address, in any state: one page.
  private func named(_ name: String, _ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    for other in ["cursor", "order", "q", "state"] where parameters[other] != nil {
      throw ProblemDetails.invalidParameter(other, "name finds the members with one userName or address, in any state. Leave out \(other).")
    }
    let page = try AdminPage(parameters, of: "members", for: context.caller, cursors: cursors)
    let found = try await members.members(named: name, limit: page.limit, in: context.caller.workspace)
    let actors = try await actors(of: found, context)
    return page.response(found.map { $0.json(actors) }, next: nil)
  }

  private func actors(of found: [MemberSummary], _ context: CallerContext) async throws -> ActorNames {
    try await ActorNames(
      in: found.compactMap { $0.invitation?.reason }, of: context.caller.workspace, database: members.database)
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let (id, workspace) = (try context.id(of: "member", UserID.self), context.caller.workspace)
    guard let stored = try await member.member(id, in: workspace) else {
      guard let deleted = try await member.tombstone(of: id, in: workspace) else { throw ProblemDetails.unknown("member", "\(id)") }
      throw ProblemDetails.deleted(id, deleted)
    }
    async let groups = member.groups(of: id, in: workspace)
    async let settings = workspaces.stored(workspace).settings
    let invitations = try await member.invitations(of: id, in: workspace)
    let actors = try await ActorNames(in: invitations.map(\.reason), of: workspace, database: member.database)
    let body = MemberBody(
      member: stored, memberships: try await groups, invitations: invitations, actors: actors,
      signInLink: WorkspaceNotice(try await settings).link)
    return .management(.ok, try body.json())
  }

  /// The timeline of a member, also of a deleted one.
  @Sendable private func timeline(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["limit", "cursor"])
    let (id, workspace) = (try context.id(of: "member", UserID.self), context.caller.workspace)
    let page = try AdminPage(parameters, of: "events", filters: ["\(id)"], for: context.caller, cursors: cursors)
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
    return page.response(
      timeline.events.map { $0.json(actors) },
      next: timeline.next.map { next in
        CursorPosition(after: id.uuid, key: String(Int64((next.timeIntervalSince1970 * 1000).rounded())))
      })
  }

  /// Everything that is known about a member, also about a deleted one, as lines of JSON.
  @Sendable private func export(_ request: Request, _ context: CallerContext) async throws -> Response {
    try QueryParameters(request.uri.query).check([])
    let (id, workspace) = (try context.id(of: "member", UserID.self), context.caller.workspace)
    let export = try await exports.export(of: id, in: workspace)
    let first = try await export.page(of: .member, after: nil)
    guard !first.rows.isEmpty else { throw ProblemDetails.unknown("member", "\(id)") }
    let headers: HTTPFields = [.contentType: MemberExportBody.mediaType, .cacheControl: "no-store"]
    guard request.method == .get else { return Response(status: .ok, headers: headers) }
    let body = MemberExportBody(export: export, first: first)
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        try await body.write(to: &writer)
        try await writer.finish(nil)
      })
  }

  /// Sends an order about the member's invitation to invitation-mailer, through identity-store.
  private func order(
    _ request: Request, _ context: CallerContext, _ order: @Sendable (UserID) -> InvitationOrder
  ) async throws -> Response {
    let id = try context.id(of: "member", UserID.self)
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.orderInvitation(order(id)), on: id.resource, through: commands)
    return Response(status: .accepted)
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
