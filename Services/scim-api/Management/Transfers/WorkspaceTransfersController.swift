import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Models
import SCIM

/// `…/workspaces/{workspace}/export` and `/api/v2/admin/workspace-imports`: move a workspace to another deployment. Only the operator imports,
/// with a deployment-wide token.
struct WorkspaceTransfersController: ManagementController {
  private let workspaces: WorkspacesQuery
  private let query: WorkspaceExportQuery
  private let commands: CommandClient
  private let bodies: BodyReader

  init(_ dependencies: Management.Dependencies) {
    workspaces = WorkspacesQuery(database: dependencies.database)
    query = WorkspaceExportQuery(database: dependencies.database)
    commands = dependencies.commands
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.getAndHead("export", use: export)
    routes.deployment.action("workspace-imports", use: importFile)
    routes.deployment.read("workspace-imports/{\(ResourcePath.id)}", use: showImport)
  }

  /// Everything of the workspace that moves, as lines of JSON.
  @Sendable private func export(_ request: Request, _ context: CallerContext) async throws -> Response {
    try QueryParameters(request.uri.query).check([])
    let id = context.caller.workspace
    let workspace = try await workspaces.stored(id)
    let headers: HTTPFields = [.contentType: MemberExportBody.mediaType, .cacheControl: "no-store"]
    guard request.method == .get else { return Response(status: .ok, headers: headers) }
    let body = WorkspaceExportBody(workspace: workspace, export: try await query.export(of: id))
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody { writer in
        try await body.write(to: &writer, at: Date())
        try await writer.finish(nil)
      })
  }

  /// Imports the workspace of an export; with `dryRun=true`, checks the file only.
  @Sendable private func importFile(_ request: Request, _ context: CallerContext) async throws -> Response {
    let caller = context.caller
    let parameters = try QueryParameters(request.uri.query)
    try parameters.check(["dryRun", "slug", "newId", "assertDomains"])
    let isDryRun = try parameters.flag("dryRun") ?? false
    try Self.check(contentType: request.headers[.contentType])
    let now = Date()
    // As for accounts: the digest of a body that is read as a stream is not known here, and each part has its own.
    let key = try IdempotencyKey(request, body: [], of: caller)
    var options = WorkspaceFile.Options(slug: parameters["slug"], assertsDomains: try parameters.flag("assertDomains") ?? false)
    if try parameters.flag("newId") ?? false {
      let made: WorkspaceID = key?.id("workspace") ?? .made(at: now)
      options.id = made
    }
    let id: CommandID = key?.id("workspace import") ?? .made(at: now)
    var workspaceImport = WorkspaceImport(
      id: id, options: options, isDryRun: isDryRun, commands: commands, caller: caller, info: context.info)
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(caller.workspace))
    try await workspaceImport.read(request, share: &share)
    share.release()
    if isDryRun { return .management(.ok, .object(workspaceImport.report)) }
    try await workspaceImport.start()
    guard let workspace = workspaceImport.file.workspace, let stored = try await query.workspaceImport(of: workspace) else {
      throw APIError.overloaded()
    }
    let path = "\(ResourcePath.admin)/workspace-imports/\(workspace)"
    return .management(.accepted, .object(stored.json(of: workspace)), headers: [.location: path])
  }

  /// The last import of the workspace with the id in the path, which need not exist yet.
  @Sendable private func showImport(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let workspace: WorkspaceID = try context.id(of: "workspace")
    guard let found = try await query.workspaceImport(of: workspace) else {
      throw ProblemDetails(
        404, .unknownResource, "There is no import of the workspace '\(workspace)' here. Imports are kept for 90 days.")
    }
    return .management(.ok, .object(found.json(of: workspace)))
  }

  private static let mediaTypes: Set<String> = ["application/x-ndjson", "application/ndjson", "application/jsonl"]

  private static func check(contentType: String?) throws {
    let type = (contentType ?? "").prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    guard mediaTypes.contains(type) else {
      throw ProblemDetails(
        415, nil,
        "The body is '\((contentType ?? "").prefix(100))'; send the export of a workspace as application/x-ndjson.")
    }
  }
}

extension WorkspaceExportQuery.Import {
  fileprivate func json(of workspace: WorkspaceID) -> JSONObject {
    var object: JSONObject = [
      "id": .id(id), "workspace": .id(workspace), "status": .string(status), "createdBy": .string(createdBy),
      "createdAt": .time(createdAt), "position": .number(position),
    ]
    object.add("parts", parts)
    object.add("lines", lines)
    object.add("startedAt", startedAt)
    object.add("finishedAt", finishedAt)
    object.add("problem", problem)
    return object
  }
}
