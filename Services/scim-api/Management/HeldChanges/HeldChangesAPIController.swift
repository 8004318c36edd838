import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/held-changes`: the changes that wait for an admin's approval, those that were decided, and the decisions.
struct HeldChangesAPIController: ManagementController {
  private let query: HeldChangesQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader

  /// The changes in a list.
  private enum Selection: String, CaseIterable {
    /// The changes that wait.
    case pending
    /// The changes that were approved, rejected or superseded.
    case decided
  }

  init(_ dependencies: Management.Dependencies) {
    query = HeldChangesQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("held-changes", use: list)
    routes.workspace.read("held-changes/{id}", use: show)
    routes.workspace.action("held-changes/{id}/approve") { request, context in try await decide(.approve, request, context) }
    routes.workspace.action("held-changes/{id}/reject") { request, context in try await decide(.reject, request, context) }
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["status", "limit", "cursor"])
    let workspace = context.caller.workspace
    let selection: Selection = try parameters.choice("status") ?? .pending
    let page = try AdminPage(parameters, of: "heldChanges", filters: [selection.rawValue], for: context.caller, cursors: cursors)
    let last = page.after.map { HeldChangeID($0.id.uuid) }
    let found =
      switch selection {
      case .pending: try await query.pending(after: last, limit: page.readLimit, in: workspace)
      case .decided: try await query.decided(after: last, limit: page.readLimit, in: workspace)
      }
    let actors = try await actors(of: found, in: workspace)
    return page.response(found) {
      CursorPosition(after: $0.id.uuid)
    } json: {
      $0.json(actors)
    }
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    return try await response(try await change(context), context)
  }

  private func decide(
    _ verdict: HeldChangeDecision.Verdict, _ request: Request, _ context: CallerContext
  ) async throws -> Response {
    var action = try await ManagementAction(request, context, with: bodies)
    let change = try await change(context)
    try await action.execute(
      .decideHeldChange(HeldChangeDecision(change: change.id, verdict: verdict)), on: change.resource, through: commands)
    // The response has the state after the decision.
    return try await response(try await self.change(context), context)
  }

  private func change(_ context: CallerContext) async throws -> HeldChangesQuery.Change {
    let id = try context.id(of: "held change", HeldChangeID.self)
    guard let change = try await query.change(id, in: context.caller.workspace) else {
      throw ProblemDetails.unknown("held change", "\(id)")
    }
    return change
  }

  private func response(_ change: HeldChangesQuery.Change, _ context: CallerContext) async throws -> Response {
    let actors = try await actors(of: [change], in: context.caller.workspace)
    let notice = try await query.notice(of: change.id, in: context.caller.workspace)
    return .management(.ok, change.json(actors, listsLeavers: true, notice: notice))
  }

  private func actors(of changes: [HeldChangesQuery.Change], in workspace: WorkspaceID) async throws -> ActorNames {
    let texts = changes.map(\.requestedBy) + changes.compactMap(\.decidedBy)
    return try await ActorNames(in: texts, of: workspace, database: query.database)
  }
}
