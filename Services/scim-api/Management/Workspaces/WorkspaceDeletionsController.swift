import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/workspaces/{workspace}/deletion`: suspends a workspace and schedules its deletion, or restores it. `/api/v2/admin/workspace-deletions`: the receipts.
/// All of it is for the operator, with a deployment-wide token.
struct WorkspaceDeletionsController: ManagementController {
  private let query: WorkspaceDeletionsQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader

  init(_ dependencies: Management.Dependencies) {
    query = WorkspaceDeletionsQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.action("deletion", use: schedule)
    routes.workspace.on("deletion", method: .delete, use: restore)
    routes.deployment.read("workspace-deletions", use: list)
  }

  @Sendable private func schedule(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    try Self.checkOperator(caller)
    var action = try await ManagementAction(request, context, with: bodies, members: ["slug", "now"])
    let slug = try action.body.requiredString("slug")
    let isImmediate = try Self.now(in: action.body)
    let now = Date()
    let deletion = WorkspaceDeletion(slug: slug, dueAt: isImmediate ? now : now + WorkspaceDeletion.grace)
    try await action.execute(.deleteWorkspace(deletion), on: caller.workspace.resource, through: commands)
    let body: JSONObject = [
      "id": .id(caller.workspace), "slug": .string(slug), "dueAt": .time(deletion.dueAt), "topicRetention": .string(Self.topicRetention),
    ]
    return .management(.accepted, .object(body), headers: [.location: "\(ResourcePath.admin)/workspace-deletions"])
  }

  @Sendable private func restore(_ request: Request, _ context: CallerContext) async throws -> Response {
    try Self.checkOperator(context.caller)
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.restoreWorkspace, on: context.caller.workspace.resource, through: commands)
    return Response(status: .noContent)
  }

  /// The receipts of workspaces whose deletion has begun, newest first.
  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["limit", "cursor"])
    let page = try AdminPage(parameters, of: "deletions", for: context.caller, cursors: cursors)
    let last = try page.after.map { place in
      guard let time = place.key.flatMap(Timestamp.date) else { throw APIError.invalidCursor() }
      return (requestedAt: time, workspace: WorkspaceID(place.id.uuid))
    }
    let found = try await query.receipts(before: last, limit: page.readLimit)
    return try page.response(found) {
      CursorPosition(after: $0.workspace.uuid, key: Timestamp.text($0.requestedAt))
    } json: {
      try $0.json()
    }
  }

  private static func checkOperator(_ caller: Caller) throws {
    guard caller.isDeploymentWide else {
      throw ProblemDetails(
        403, nil, "Only the operator can delete or restore a workspace, with a deployment-wide token. Nothing was changed.")
    }
  }

  private static func now(in body: JSONBody) throws -> Bool {
    guard let value = body.object["now"] else { return false }
    guard let now = value.bool else { throw ProblemDetails.invalidMember("now", "now must be true or false.") }
    return now
  }

  /// What a deletion does not reach.
  static let topicRetention = """
    Messages of the workspace remain on Kafka's topics and in dead-letter topics until their retention ends, by default \
    \((Topic.all.map(\.retention).max() ?? 0) / 86_400) days after each.
    """
}

extension WorkspaceDeletionReceipt {
  /// The receipt.
  ///
  /// - Throws: `JSONSyntaxError` if the stored counts are damaged.
  fileprivate func json() throws -> JSON {
    var object: JSONObject = ["id": .id(workspace), "slug": .string(slug), "state": .string(finishedAt == nil ? "running" : "finished")]
    object.add("requestedBy", requestedBy)
    object.add("requestedAt", requestedAt)
    object.add("dueAt", dueAt)
    object.add("finishedAt", finishedAt)
    object["deleted"] = try JSON(parsing: deleted)
    object["topicRetention"] = .string(WorkspaceDeletionsController.topicRetention)
    return .object(object)
  }
}
