import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `/api/v2/admin/workspaces`: the workspaces of the deployment and their settings.
struct WorkspacesController: ManagementController {
  private let query: WorkspacesQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader

  /// How often a change without `If-Match` is repeated if somebody else changes the settings at the same time.
  private static let maximumAttempts = 5

  init(_ dependencies: Management.Dependencies) {
    query = WorkspacesQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.all.getAndHead("workspaces", use: list)
    routes.deployment.on("workspaces", method: .post, use: create)
    routes.workspace.getAndHead(use: show)
    routes.workspace.on("", method: .patch, use: update)
  }

  // MARK: Reads

  /// All workspaces for a deployment-wide token; only its own for the token of a workspace.
  @Sendable private func list(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    let page = try AdminPage(try QueryParameters(request.uri.query), of: "workspaces", for: caller, cursors: cursors)
    let found: [ListedWorkspace]
    if caller.workspace == .deployment {
      found = try await query.workspaces(after: page.after?.key, limit: page.readLimit)
    } else {
      found = try await query.workspace(caller.workspace).map { [ListedWorkspace($0)] } ?? []
    }
    let settings = try await query.settings(of: found.prefix(page.limit).map(\.id))
    return page.response(found) {
      CursorPosition(after: $0.id.uuid, key: $0.slug)
    } json: {
      var object: JSONObject = [
        "id": .id($0.id), "slug": .string($0.slug), "name": .string($0.name), "plan": .string($0.plan), "createdAt": .time($0.createdAt),
      ]
      // A workspace that was deleted a moment ago has no settings.
      object["scim"] = settings[$0.id].map { .object(WorkspaceDocument.scim($0)) }
      return .object(object)
    }
  }

  @Sendable private func show(_ request: Request, _ context: CallerContext) async throws -> Response {
    let workspace = try await query.stored(context.caller.workspace)
    let tag = SettingsETag(version: workspace.version)
    guard !tag.isKnown(to: request) else { return Response(status: .notModified, headers: [.eTag: tag.text]) }
    return try response(.ok, workspace)
  }

  // MARK: Writes

  @Sendable private func create(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    let body = try await JSONBody(of: request, context, with: bodies)
    var key = try IdempotencyKey(request, body: body.bytes, of: caller)
    let settings = try WorkspaceDocument.new().applying(body.object, to: nil, isDeploymentWide: caller.isDeploymentWide)
    let id: WorkspaceID = key?.id("workspace") ?? .made(at: Date())
    try await commands.execute(.createWorkspace(settings), in: id, for: caller, once: &key, info: context.info).checkDone()
    return try response(.created, try await query.stored(id))
  }

  /// Changes settings by a JSON merge patch. With `If-Match`, only if nobody has changed them since.
  @Sendable private func update(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    let body = try await JSONBody(of: request, context, with: bodies)
    var key = try IdempotencyKey(request, body: body.bytes, of: caller)
    let expected = try SettingsETag.versions(ifMatchOf: request)
    for attempt in 1...Self.maximumAttempts {
      let workspace = try await query.stored(caller.workspace)
      if key == nil, let expected, !expected.contains(workspace.version) { throw ProblemDetails.versionConflict(workspace.version) }
      let settings = try WorkspaceDocument(workspace.settings)
        .applying(body.object, to: workspace, isDeploymentWide: caller.isDeploymentWide)
      let versions = expected.flatMap { $0.contains(workspace.version) ? nil : $0 } ?? [workspace.version]
      let outcome = try await commands.execute(
        .updateWorkspace(settings), expecting: versions, for: caller, once: &key, info: context.info)
      if case .refused(412, _) = outcome {
        let present = try await query.stored(caller.workspace)
        guard expected == nil, attempt < Self.maximumAttempts else { throw ProblemDetails.versionConflict(present.version) }
        if key != nil, key?.advance() == false { throw ProblemDetails.versionConflict(present.version) }
        continue
      }
      try outcome.checkDone()
      break
    }
    return try response(.ok, try await query.stored(caller.workspace))
  }

  private func response(_ status: HTTPResponse.Status, _ workspace: DetailedWorkspace) throws -> Response {
    var response = Response.management(
      status, .object(try WorkspaceDocument.response(workspace)), headers: [.eTag: SettingsETag(version: workspace.version).text])
    if status == .created { response.headers[.location] = "\(ResourcePath.admin)/workspaces/\(workspace.id)" }
    return response
  }
}

extension ListedWorkspace {
  fileprivate init(_ workspace: DetailedWorkspace) {
    self.init(
      id: workspace.id, slug: workspace.settings.slug, name: workspace.settings.name, plan: workspace.settings.plan.rawValue,
      createdAt: workspace.createdAt)
  }
}
