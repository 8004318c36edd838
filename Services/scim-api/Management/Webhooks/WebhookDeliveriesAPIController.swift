import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/webhooks/{id}/…`: the delivery log and the progress of a webhook endpoint, and the orders about deliveries.
struct WebhookDeliveriesAPIController: ManagementController {
  private let webhooks: WebhooksQuery
  private let deliveries: WebhookDeliveriesQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader
  private let workspaces: NamedWorkspaceCache

  init(_ dependencies: Management.Dependencies) {
    webhooks = WebhooksQuery(database: dependencies.database)
    deliveries = WebhookDeliveriesQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
    workspaces = NamedWorkspaceCache(dependencies.database)
  }

  func addRoutes(to routes: ManagementRoutes) {
    for group in [routes.workspace, routes.deployment] {
      group.read("webhooks/{id}/deliveries", use: listDeliveries)
      group.read("webhooks/{id}/progress", use: listProgress)
      group.action("webhooks/{id}/test", use: test)
      group.action("webhooks/{id}/redeliver", use: redeliver)
      group.action("webhooks/{id}/skip", use: skip)
    }
  }

  /// A page may have fewer deliveries than `limit`, or none, although there are more: each scans a bounded number of rows.
  @Sendable private func listDeliveries(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["failed", "workspace", "event", "limit", "cursor"])
    let id = try await id(context)
    let filter = WebhookDeliveriesQuery.Filter(
      failedOnly: try parameters.flag("failed") ?? false, workspace: try await workspace(inQuery: parameters, context),
      event: try parameters.search("event", maximum: 300))
    let page = try AdminPage(
      parameters, of: "deliveries", filters: ["\(id)", "\(filter.failedOnly)", filter.workspace?.description, filter.event],
      for: context.caller, cursors: cursors)
    // The key of the cursor is a time in microseconds.
    let last = try page.after.map { place in
      guard let microseconds = place.key.flatMap({ Int64($0) }) else { throw APIError.invalidCursor() }
      return WebhookDeliveriesQuery.Position(microseconds: microseconds, id: place.id.uuid)
    }
    let found = try await deliveries.deliveries(to: id, filter, after: last, limit: page.limit, of: context.caller.workspace)
    return page.response(
      found.deliveries.map(\.json), next: found.next.map { CursorPosition(after: $0.id, key: String($0.microseconds)) })
  }

  @Sendable private func listProgress(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["failing", "limit", "cursor"])
    let (id, failingOnly) = (try await id(context), try parameters.flag("failing") ?? false)
    let page = try AdminPage(parameters, of: "progress", filters: ["\(id)", "\(failingOnly)"], for: context.caller, cursors: cursors)
    let found = try await webhooks.progress(
      of: id, failingOnly: failingOnly, after: page.after.map { WorkspaceID($0.id.uuid) }, limit: page.readLimit,
      of: context.caller.workspace)
    return page.response(found) {
      CursorPosition(after: $0.workspace.uuid)
    } json: {
      $0.json
    }
  }

  @Sendable private func test(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id: WebhookID = try context.id(of: "webhook endpoint")
    var action = try await ManagementAction(request, context, with: bodies)
    return try await order(.test(id), &action, context)
  }

  @Sendable private func redeliver(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id: WebhookID = try context.id(of: "webhook endpoint")
    var action = try await ManagementAction(request, context, with: bodies, members: ["since", "workspace"])
    let text = try action.body.requiredString("since")
    guard let since = Timestamp.date(text) else {
      throw ProblemDetails.invalidMember("since", "since must be a time such as \"2026-01-31T08:00:00Z\", found '\(text.prefix(100))'.")
    }
    return try await order(.redeliver(id, workspace: try await workspace(in: action, context), since: since), &action, context)
  }

  @Sendable private func skip(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id: WebhookID = try context.id(of: "webhook endpoint")
    var action = try await ManagementAction(request, context, with: bodies, members: ["sequence", "workspace"])
    guard let sequence = action.body.object["sequence"]?.integer, sequence > 0 else {
      throw ProblemDetails.invalidMember(
        "sequence", "sequence must be the sequence number of the event, a whole number from 1; see …/webhooks/\(id)/progress.")
    }
    guard let workspace = try await workspace(in: action, context) else {
      throw ProblemDetails.invalidMember("workspace", "workspace is missing: the endpoint receives the events of all workspaces.")
    }
    return try await order(.skip(id, workspace: workspace, sequence: sequence), &action, context)
  }

  private func order(_ order: WebhookOrder, _ action: inout ManagementAction, _ context: CallerContext) async throws -> Response {
    try await action.execute(.orderWebhook(order), on: context.caller.workspace.resource, through: commands)
    return Response(status: .accepted)
  }

  /// The workspace in the body; by default the caller's, and nil for an endpoint of the deployment.
  private func workspace(in action: ManagementAction, _ context: CallerContext) async throws -> WorkspaceID? {
    guard let text = try action.body.string("workspace") else {
      return context.caller.workspace == .deployment ? nil : context.caller.workspace
    }
    guard let id = try await workspace(named: text, context) else {
      throw ProblemDetails.invalidMember("workspace", Self.expectedWorkspace(text, context))
    }
    return id
  }

  /// The workspace in the query; nil if there is none.
  private func workspace(inQuery parameters: QueryParameters, _ context: CallerContext) async throws -> WorkspaceID? {
    guard let text = parameters["workspace"] else { return nil }
    guard let id = try await workspace(named: text, context) else {
      throw ProblemDetails.invalidParameter("workspace", Self.expectedWorkspace(text, context))
    }
    return id
  }

  /// The workspace with this id or slug. An endpoint of a workspace receives the events of that workspace only, and its administrators do not learn
  /// which other workspaces exist.
  private func workspace(named name: String, _ context: CallerContext) async throws -> WorkspaceID? {
    let owner = context.caller.workspace
    guard owner == .deployment else {
      return WorkspaceID(name) == owner || name == context.caller.settings.slug ? owner : nil
    }
    // Events of a workspace that was deleted since are identified by its id.
    if let id = WorkspaceID(name), id != .deployment { return id }
    return try await workspaces.workspace(named: name)?.id
  }

  private static func expectedWorkspace(_ name: String, _ context: CallerContext) -> String {
    let found = "found '\(name.prefix(100))'."
    return context.caller.workspace == .deployment
      ? "workspace must be the id or slug of a workspace, \(found)"
      : "workspace must be '\(context.caller.settings.slug)' or its id, since the endpoint belongs to this workspace; \(found)"
  }

  /// The id of an existing endpoint.
  private func id(_ context: CallerContext) async throws -> WebhookID {
    let id: WebhookID = try context.id(of: "webhook endpoint")
    guard try await webhooks.endpoint(id, of: context.caller.workspace) != nil else {
      throw ProblemDetails.unknown("webhook endpoint", "\(id)")
    }
    return id
  }
}
