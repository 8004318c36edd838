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
  }

  /// A page may have fewer entries than `limit`, or none, although there are more: each scans a bounded number of rows.
  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["action", "rejected", "limit", "cursor"])
    let workspace = context.caller.workspace
    let action = try parameters.search("action", maximum: 100)
    let rejectedOnly = try parameters.flag("rejected") ?? false
    let page = try AdminPage(
      parameters, of: "entries", filters: ["audit", action, "\(rejectedOnly)"], for: context.caller, cursors: cursors)
    let found = try await query.entries(
      action: action, rejectedOnly: rejectedOnly, after: page.after.map { CommandID($0.id.uuid) }, limit: page.limit, in: workspace)
    let actors = try await ActorNames(in: found.entries.map(\.actor), of: workspace, database: query.database)
    return page.response(found.entries.map { $0.json(actors) }, next: found.next.map { CursorPosition(after: $0.uuid) })
  }
}
