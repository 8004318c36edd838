import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/invitations`: the invitations of the workspace, newest first, and the history of one.
struct InvitationsAPIController: ManagementController {
  private let query: InvitationsQuery
  private let cursors: CursorSeal

  init(_ dependencies: Management.Dependencies) {
    query = InvitationsQuery(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("invitations", use: list)
    routes.workspace.read("invitations/{id}", use: show)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["state", "member", "limit", "cursor"])
    let workspace = context.caller.workspace
    let state: InvitationState? = try parameters.choice("state")
    let member = try parameters.id("member", UserID.self)
    let page = try AdminPage(
      parameters, of: "invitations", filters: [state?.rawValue, member?.description], for: context.caller, cursors: cursors)
    let found = try await query.invitations(
      in: state, of: member, after: page.after.map { InvitationID($0.id.uuid) }, limit: page.readLimit, in: workspace)
    let actors = try await ActorNames(in: found.map(\.invitation.reason), of: workspace, database: query.database)
    return page.response(found) {
      CursorPosition(after: $0.invitation.id.uuid)
    } json: {
      $0.json(actors)
    }
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let (id, workspace) = (try context.id(of: "invitation", InvitationID.self), context.caller.workspace)
    guard let found = try await query.invitation(id, in: workspace) else { throw ProblemDetails.unknown("invitation", "\(id)") }
    let history = try await query.history(of: id, in: workspace)
    let actors = try await ActorNames(in: [found.invitation.reason] + history.map(\.reason), of: workspace, database: query.database)
    return .management(.ok, found.json(actors, history: history))
  }
}

extension InvitationsQuery.Listed {
  /// The invitation with the person who was invited.
  ///
  /// - Parameters:
  ///   - actors: the names of the actors in reasons.
  ///   - history: the changes of its state; nil in a list.
  fileprivate func json(_ actors: ActorNames, history: [InvitationsQuery.Change]? = nil) -> JSON {
    var object = invitation.json(actors).object ?? JSONObject()
    var member: JSONObject = ["id": .id(user)]
    member.add("userName", userName)
    member.add("email", email)
    object["member"] = .object(member)
    object["history"] = history.map { changes in .array(changes.map { $0.json(actors) }) }
    return .object(object)
  }
}

extension InvitationsQuery.Change {
  fileprivate func json(_ actors: ActorNames) -> JSON {
    var object: JSONObject = ["at": .time(at), "state": .string(state)]
    object.add("reason", reason.isEmpty ? nil : actors.displayText(reason))
    return .object(object)
  }
}
