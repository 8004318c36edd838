import EdgeHTTP
import EdgeReads
import Hummingbird
import Models
import SCIM

/// `…/audit`: who changed settings, tokens and invitations, and when; newest first.
struct AuditAPIController: ManagementController {
  private let query: AuditQuery
  private let cursors: CursorSeal

  init(_ dependencies: Management.Dependencies) {
    query = AuditQuery(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("audit", use: list)
    routes.workspace.read("audit/{id}", use: show)
  }

  /// A page may have fewer entries than `limit`, or none, although there are more: each scans a bounded number of rows.
  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["action", "actor", "since", "rejected", "limit", "cursor"])
    let workspace = context.caller.workspace
    let action = try parameters.search("action", maximum: 100)
    let actor = try parameters.search("actor")
    let since = try parameters.time("since")
    let rejectedOnly = try parameters.flag("rejected") ?? false
    let page = try AdminPage(
      parameters, of: "entries", filters: ["audit", action, actor, since.map(Timestamp.text), "\(rejectedOnly)"], for: context.caller,
      cursors: cursors)
    let found = try await query.entries(
      action: action, actor: actor, since: since, rejectedOnly: rejectedOnly, after: page.after.map { CommandID($0.id.uuid) },
      limit: page.limit, in: workspace)
    let actors = try await ActorNames(in: found.entries.map(\.actor), of: workspace, database: query.database)
    return page.response(found.entries.map { $0.json(actors) }, next: found.next.map { CursorPosition(after: $0.uuid) })
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let (id, workspace) = (try context.id(of: "entry of the audit trail", CommandID.self), context.caller.workspace)
    guard let entry = try await query.entry(id, in: workspace) else { throw ProblemDetails.unknown("entry of the audit trail", "\(id)") }
    let actors = try await ActorNames(in: [entry.actor], of: workspace, database: query.database)
    return .management(.ok, entry.json(actors))
  }
}
