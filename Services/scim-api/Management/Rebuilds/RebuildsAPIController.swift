import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/rebuilds`: publishes the state of the workspace again, for consumers that lost it, and shows the progress.
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
