import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/held-changes`: the changes that wait for an admin's approval, those that were decided, and the decisions.
struct HeldChangesAPIController: ManagementController {
  private let query: HeldChangesQuery
  private let commands: ManagementCommands
  private let cursors: CursorSeal

  /// The changes in a list.
  private enum Selection: String, CaseIterable {
    /// The changes that wait.
    case pending
    /// The changes that were approved, rejected or superseded.
    case decided
  }

  init(_ dependencies: ManagementDependencies) {
    query = HeldChangesQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
  }

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.read("held-changes", use: list)
    group.read("held-changes/{id}", use: show)
    group.action("held-changes/{id}/approve") { request, context in try await decide(.approve, request, context) }
    group.action("held-changes/{id}/reject") { request, context in try await decide(.reject, request, context) }
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["status", "limit", "cursor"])
    let workspace = context.caller.workspace
    let selection: Selection = try parameters.choice("status") ?? .pending
    let page = try ListPage(parameters, of: "held-changes?\(selection.rawValue)", in: workspace, cursors: cursors, at: Date())
    let last = page.after.map { HeldChangeID($0.id.uuid) }
    let found =
      switch selection {
      case .pending: try await query.pending(after: last, limit: page.readLimit, in: workspace)
      case .decided: try await query.decided(after: last, limit: page.readLimit, in: workspace)
      }
    let (changes, next) = page.split(found) { CursorPosition(key: nil, kind: .user, id: $0.id.resource) }
    let actors = try await actors(of: changes, in: workspace)
    var object: JSONObject = ["heldChanges": .array(changes.map { $0.json(actors) })]
    object.add("nextCursor", next)
    return .object(object)
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check([])
    return try await body(of: try await change(context), in: context.caller.workspace)
  }

  private func decide(
    _ verdict: HeldChangeDecision.Verdict, _ request: Request, _ context: CallerContext
  ) async throws -> Response {
    let change = try await change(context)
    try await commands.execute(
      .decideHeldChange(HeldChangeDecision(change: change.id, verdict: verdict)), on: change.resource, request, context)
    // The response has the state after the decision.
    return .management(try await body(of: try await self.change(context), in: context.caller.workspace))
  }

  private func change(_ context: CallerContext) async throws -> HeldChangesQuery.Change {
    let id = try context.id(of: "held change", HeldChangeID.self)
    guard let change = try await query.change(id, in: context.caller.workspace) else { throw ProblemDetails.unknown("held change", "\(id)") }
    return change
  }

  private func body(of change: HeldChangesQuery.Change, in workspace: WorkspaceID) async throws -> JSON {
    change.json(try await actors(of: [change], in: workspace), listsLeavers: true)
  }

  private func actors(of changes: [HeldChangesQuery.Change], in workspace: WorkspaceID) async throws -> ActorNames {
    try await ActorNames(in: changes.flatMap { [$0.requestedBy] + [$0.decidedBy].compactMap { $0 } }, of: workspace, database: query.database)
  }
}
