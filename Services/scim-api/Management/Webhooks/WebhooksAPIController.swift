import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/webhooks`: the webhook endpoints of a workspace or, without a workspace in the path, those of the deployment, which receive the events
/// of all workspaces.
///
/// The caller's workspace owns the endpoints: it is ``WorkspaceID/deployment`` for the routes of the deployment.
struct WebhooksAPIController: ManagementController {
  private let query: WebhooksQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader
  private let secrets: WebhookSecrets

  /// The number of failing workspaces that an endpoint shows.
  private static let maximumFailing = 20

  init(_ dependencies: Management.Dependencies) {
    query = WebhooksQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
    secrets = WebhookSecrets(seal: dependencies.webhookSeal)
  }

  func addRoutes(to routes: ManagementRoutes) {
    addRoutes(to: routes.workspace)
    addRoutes(to: routes.deployment)
  }

  private func addRoutes(to group: RouterGroup<CallerContext>) {
    group.read("webhooks", use: list)
    group.action("webhooks", use: create)
    group.getAndHead("webhooks/{id}", use: show)
    group.on("webhooks/{id}", method: .patch, use: update)
    group.on("webhooks/{id}", method: .delete, use: delete)
    group.action("webhooks/{id}/enable", use: enable)
    group.action("webhooks/{id}/disable", use: disable)
    group.action("webhooks/{id}/rotate-secret", use: rotateSecret)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["limit", "cursor"])
    let page = try AdminPage(parameters, of: "webhooks", for: context.caller, cursors: cursors)
    let found = try await query.endpoints(
      after: page.after.map { WebhookID($0.id.uuid) }, limit: page.readLimit, of: context.caller.workspace)
    return page.response(found) {
      CursorPosition(after: $0.id.uuid)
    } json: {
      $0.json()
    }
  }

  @Sendable private func create(_ request: Request, _ context: CallerContext) async throws -> Response {
    var action = try await ManagementAction(
      request, context, with: bodies, members: WebhookSubscription.members.union(["secret"]))
    let subscription = try WebhookSubscription(action.body)
    let id: WebhookID = action.id(of: "webhook", at: Date())
    let secret = try secrets.secret(in: action, of: id)
    let sealed = try secrets.sealed(secret, of: id)
    try await action.execute(
      .writeWebhook(.create(id, subscription, sealedSecret: sealed)), on: context.caller.workspace.resource, through: commands)
    let stored = try await endpoint(id, context)
    return response(
      stored, .created, secret: secret, headers: [.location: "\(request.uri.path)/\(id)"])
  }

  @Sendable private func show(_ request: Request, _ context: CallerContext) async throws -> Response {
    try QueryParameters(request.uri.query).check([])
    let stored = try await endpoint(try id(context), context)
    let tag = SettingsETag(version: stored.version)
    // The progress of deliveries has no version, so that only an endpoint without failures is unchanged.
    let failing = try await query.progress(
      of: stored.id, failingOnly: true, after: nil, limit: Self.maximumFailing, of: context.caller.workspace)
    guard !failing.isEmpty || !tag.isKnown(to: request) else { return Response(status: .notModified, headers: [.eTag: tag.text]) }
    return .management(.ok, stored.json(failing: failing), headers: [.eTag: tag.text])
  }

  @Sendable private func update(_ request: Request, _ context: CallerContext) async throws -> Response {
    let expected = try SettingsETag.versions(ifMatchOf: request)
    var action = try await ManagementAction(request, context, with: bodies, members: WebhookSubscription.members)
    let stored = try await endpoint(try id(context), context)
    var subscription = stored.subscription
    try subscription.merge(action.body)
    // The patch was applied to this version.
    try await action.execute(
      .writeWebhook(.update(stored.id, subscription)), on: context.caller.workspace.resource, expecting: expected ?? [stored.version],
      through: commands)
    return response(try await endpoint(stored.id, context))
  }

  @Sendable private func delete(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (id, expected) = (try id(context), try SettingsETag.versions(ifMatchOf: request))
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.deleteWebhook(id), on: context.caller.workspace.resource, expecting: expected, through: commands)
    return Response(status: .noContent)
  }

  @Sendable private func enable(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (id, expected) = (try id(context), try SettingsETag.versions(ifMatchOf: request))
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(.writeWebhook(.enable(id)), on: context.caller.workspace.resource, expecting: expected, through: commands)
    return response(try await endpoint(id, context))
  }

  @Sendable private func disable(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (id, expected) = (try id(context), try SettingsETag.versions(ifMatchOf: request))
    var action = try await ManagementAction(request, context, with: bodies, members: ["reason"])
    let reason = try action.body.string("reason") ?? "Disabled by an administrator."
    guard reason.utf8.count <= WebhookEndpoint.maximumReasonSize else {
      throw ProblemDetails.invalidMember("reason", "reason has at most \(WebhookEndpoint.maximumReasonSize) bytes.")
    }
    try await action.execute(
      .disableWebhook(id, reason: reason), on: context.caller.workspace.resource, expecting: expected, through: commands)
    return response(try await endpoint(id, context))
  }

  @Sendable private func rotateSecret(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (id, expected) = (try id(context), try SettingsETag.versions(ifMatchOf: request))
    var action = try await ManagementAction(request, context, with: bodies, members: ["secret", "overlapSeconds"])
    let until = try secrets.formerUntil(in: action.body, at: Date())
    let secret = try secrets.secret(in: action, of: id)
    let sealed = try secrets.sealed(secret, of: id)
    try await action.execute(
      .writeWebhook(.rotateSecret(id, sealedSecret: sealed, formerUntil: until)), on: context.caller.workspace.resource,
      expecting: expected, through: commands)
    return response(try await endpoint(id, context), secret: secret)
  }

  private func id(_ context: CallerContext) throws -> WebhookID { try context.id(of: "webhook endpoint") }

  private func endpoint(_ id: WebhookID, _ context: CallerContext) async throws -> StoredWebhook {
    guard let stored = try await query.endpoint(id, of: context.caller.workspace) else {
      throw ProblemDetails.unknown("webhook endpoint", "\(id)")
    }
    return stored
  }

  private func response(
    _ stored: StoredWebhook, _ status: HTTPResponse.Status = .ok, secret: WebhookSecret? = nil, headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.eTag] = SettingsETag(version: stored.version).text
    return .management(status, stored.json(secret: secret?.text), headers: headers)
  }
}
