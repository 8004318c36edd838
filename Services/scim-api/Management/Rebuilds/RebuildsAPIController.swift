import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/rebuilds`: publishes the state of the workspace again, for consumers that lost it, and shows the progress. `…/members/{id}/publish`
/// and `…/groups/{id}/publish` do it for one resource.
struct RebuildsAPIController: ManagementController {
  private let query: RebuildsQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader

  /// The longest reason, in bytes.
  private static let maximumReason = 500

  init(_ dependencies: Management.Dependencies) {
    query = RebuildsQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("rebuilds", use: list)
    routes.workspace.action("rebuilds", use: start)
    routes.workspace.read("rebuilds/{id}", use: show)
    routes.deployment.action("rebuilds", use: publishDeployment)
    routes.workspace.action("members/{id}/publish", use: publishMember)
    routes.workspace.action("groups/{id}/publish", use: publishGroup)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["limit", "cursor"])
    let page = try AdminPage(parameters, of: "rebuilds", for: context.caller, cursors: cursors)
    let last = try page.after.map { place in
      guard let time = place.key.flatMap(Timestamp.date) else { throw APIError.invalidCursor() }
      return (requestedAt: time, id: CommandID(place.id.uuid))
    }
    let found = try await query.rebuilds(before: last, limit: page.readLimit, in: context.caller.workspace)
    return page.response(found) {
      CursorPosition(after: $0.id.uuid, key: Timestamp.text($0.requestedAt))
    } json: {
      $0.json
    }
  }

  @Sendable private func show(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check([])
    let id = try context.id(of: "rebuild", CommandID.self)
    guard let rebuild = try await query.rebuild(id, in: context.caller.workspace) else { throw ProblemDetails.unknown("rebuild", "\(id)") }
    return .management(.ok, rebuild.json)
  }

  /// Requests a rebuild, which identity-store executes within seconds.
  @Sendable private func start(_ request: Request, _ context: CallerContext) async throws -> Response {
    let workspace = context.caller.workspace
    var action = try await ManagementAction(request, context, with: bodies, members: ["invitations", "reason"])
    let rebuild = Rebuild(
      consumer: Rebuild.administrator, reason: try reason(in: action.body), invitations: try invitations(in: action.body),
      workspace: workspace)
    try await action.execute(.rebuild(rebuild), on: workspace.resource, through: commands)
    guard let id = context.info.fields.command, let stored = try await query.rebuild(id, in: workspace) else {
      // Only one is stored at a time.
      let other = try await query.unfinished(in: workspace).map { " (\($0.id))" } ?? ""
      throw ProblemDetails(
        409, .rebuildRunning, "A rebuild of the workspace is not finished yet\(other). Wait until it is, and start another one if needed.")
    }
    return .management(.accepted, stored.json, headers: [.location: "\(request.uri.path)/\(id)"])
  }

  /// Publishes what belongs to no workspace: the webhook endpoints of the deployment.
  @Sendable private func publishDeployment(_ request: Request, _ context: CallerContext) async throws -> Response {
    var action = try await ManagementAction(request, context, with: bodies)
    try await action.execute(
      .restate(Restatement(workspace: true)), on: WorkspaceID.deployment.resource, through: commands)
    return Response(status: .noContent)
  }

  /// Publishes a member again. One that was deleted is published as deleted, so that no consumer keeps it.
  @Sendable private func publishMember(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id = try context.id(of: "member", UserID.self)
    var action = try await ManagementAction(request, context, with: bodies, members: ["invitations"])
    guard try await query.knows(id, in: context.caller.workspace) else { throw ProblemDetails.unknown("member", "\(id)") }
    let restatement = Restatement(users: [id], invitations: try invitations(in: action.body))
    try await action.execute(.restate(restatement), on: context.caller.workspace.resource, through: commands)
    return Response(status: .noContent)
  }

  /// Publishes a group and its members again, in parts of a bounded size.
  @Sendable private func publishGroup(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (id, workspace) = (try context.id(of: "group", GroupID.self), context.caller.workspace)
    _ = try await JSONBody(of: request, context, with: bodies, members: [], isOptional: true)
    guard try await query.knows(id, in: workspace) else { throw ProblemDetails.unknown("group", "\(id)") }
    // The parts depend on the present members, so each request has commands of its own: publishing twice changes nothing.
    for part in try await query.parts(of: id, in: workspace) {
      var once: IdempotencyKey?
      try await commands.execute(
        .restate(part), on: workspace.resource, for: context.caller, once: &once, info: context.info
      ).checkDone()
    }
    return Response(status: .noContent)
  }

  private func reason(in body: JSONBody) throws -> String {
    let text = try body.string("reason") ?? ""
    guard text.utf8.count <= Self.maximumReason else {
      throw ProblemDetails.invalidMember("reason", "reason has at most \(Self.maximumReason) bytes, found \(text.utf8.count).")
    }
    return text
  }

  private func invitations(in body: JSONBody) throws -> Restatement.Invitations {
    guard let text = try body.string("invitations") else { return .missing }
    guard let invitations = Restatement.Invitations(rawValue: text) else {
      let known = Restatement.Invitations.allCases.map(\.rawValue).joined(separator: ", ")
      throw ProblemDetails.invalidMember("invitations", "invitations is '\(text.prefix(50))'; expected one of \(known).")
    }
    return invitations
  }
}

extension StoredRebuild {
  /// The rebuild with its progress.
  fileprivate var json: JSON {
    var object: JSONObject = ["id": .id(id), "state": .string(state.rawValue)]
    object.add("stage", stage)
    object.add("invitations", invitations.rawValue)
    object.add("reason", reason.isEmpty ? nil : reason)
    object.add("requestedAt", requestedAt)
    object.add("finishedAt", finishedAt)
    return .object(object)
  }
}

extension ProblemDetails.Kind {
  /// The workspace has an unfinished rebuild.
  fileprivate static let rebuildRunning = Self(name: "rebuild-running", title: "A rebuild is not finished yet")
}
