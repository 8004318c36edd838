import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `…/console/sessions` and `…/console/links`: who has signed in to the console, and links that sign a person in once.
struct ConsoleAccessController: ManagementController {
  private let query: ConsoleAccessQuery
  private let commands: CommandClient
  private let cursors: CursorSeal
  private let bodies: BodyReader
  private let secrets: IssuedSecrets

  /// How long a link is valid unless the request says otherwise, in seconds.
  private static let defaultLifetime: TimeInterval = 600

  init(_ dependencies: Management.Dependencies) {
    query = ConsoleAccessQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
    secrets = IssuedSecrets(TokensQuery(database: dependencies.database), dependencies.cursors)
  }

  func addRoutes(to routes: ManagementRoutes) {
    routes.workspace.read("console/sessions", use: list)
    routes.workspace.on("console/sessions/{id}", method: .delete, use: end)
    routes.workspace.action("console/links", use: createLink)
  }

  @Sendable private func list(_ parameters: QueryParameters, _ context: CallerContext) async throws -> Response {
    try parameters.check(["limit", "cursor"])
    let page = try AdminPage(parameters, of: "sessions", for: context.caller, cursors: cursors)
    let found = try await query.sessions(
      after: page.after.map { TokenID($0.id.uuid) }, limit: page.readLimit, in: context.caller.workspace)
    return page.response(found) {
      CursorPosition(after: $0.id.uuid)
    } json: {
      $0.json
    }
  }

  /// Ends a session, within a second at every replica.
  @Sendable private func end(_ request: Request, _ context: CallerContext) async throws -> Response {
    let id = try context.id(of: "session", TokenID.self)
    var action = try await ManagementAction(request, context, with: bodies)
    guard try await query.hasSession(id, in: context.caller.workspace) else { throw ProblemDetails.unknown("session", "\(id)") }
    try await action.execute(
      .revokeToken(TokenRevocation(token: id)), on: context.caller.workspace.resource, through: commands)
    return Response(status: .noContent)
  }

  /// Creates a link. Its key is in the response only, and not stored.
  @Sendable private func createLink(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (workspace, now) = (context.caller.workspace, Date())
    var action = try await ManagementAction(request, context, with: bodies, members: ["name", "expiresAt"])
    let name = try action.body.requiredString("name")
    let expiresAt = try action.body.futureTime("expiresAt", at: now) ?? now + Self.defaultLifetime
    let id: TokenID = action.id(of: "link", at: now)
    let key = secrets.secret(.link, in: workspace, once: action.key)
    let grant = TokenGrant(token: id, kind: .link, name: name, scopes: [.admin], digest: SecretDigest.hex(of: key), expiresAt: expiresAt)
    try await action.execute(.issueToken(grant), on: workspace.resource, through: commands)
    try await secrets.check(key, of: id, in: workspace, once: action.key)
    let site = context.base.text.dropLast(ResourcePath.base.count)
    var object: JSONObject = [
      "id": .id(id), "name": .string(name), "key": .string(key), "url": .string("\(site)\(ResourcePath.console)/link?key=\(key)"),
    ]
    // A repeated request without a time gets that of the first one.
    object.add("expiresAt", try await query.linkExpiry(id, in: workspace))
    return .management(.created, .object(object))
  }
}

extension ListedConsoleSession {
  fileprivate var json: JSON {
    var object: JSONObject = ["id": .id(id), "name": .string(name), "createdAt": .time(createdAt)]
    object.add("expiresAt", expiresAt)
    object.add("openedWith", openedWith)
    return .object(object)
  }
}
