import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/audit`: who changed settings, tokens and invitations, and when; newest first.
struct AuditAPIController: ManagementController {
  private let query: AuditQuery
  private let cursors: CursorSeal

  init(_ dependencies: ManagementDependencies) {
    query = AuditQuery(database: dependencies.database)
    cursors = dependencies.cursors
  }

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.read("audit", use: list)
  }

  /// A page may have fewer entries than `limit`, or none, although there are more: each scans a bounded number of rows.
  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> JSON {
    try parameters.check(["action", "rejected", "limit", "cursor"])
    let workspace = context.caller.workspace
    let action = try parameters.search("action", maximum: 100)
    let rejectedOnly = try parameters.flag("rejected")
    let page = try ListPage(parameters, of: "audit?\(action ?? "")&\(rejectedOnly)", in: workspace, cursors: cursors, at: Date())
    let found = try await query.entries(
      action: action, rejectedOnly: rejectedOnly, after: page.after.map { CommandID($0.id.uuid) }, limit: page.limit, in: workspace)
    let actors = try await ActorNames(in: found.entries.map(\.actor), of: workspace, database: query.database)
    var object: JSONObject = ["entries": .array(found.entries.map { $0.json(actors) })]
    object.add("nextCursor", found.next.map { page.cursor(after: CursorPosition(key: nil, kind: .user, id: $0.resource)) })
    return .object(object)
  }
}
