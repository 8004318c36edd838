import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// The lists of tokens and of OAuth clients, and what their controllers share.
struct TokenLists: Sendable {
  let query: TokensQuery
  let commands: CommandClient
  let cursors: CursorSeal
  let bodies: BodyReader
  let secrets: IssuedSecrets
  /// The kind of credential that the controller manages.
  let kind: TokenKind

  init(_ dependencies: Management.Dependencies, kind: TokenKind) {
    query = TokensQuery(database: dependencies.database)
    commands = dependencies.commands
    cursors = dependencies.cursors
    bodies = dependencies.bodies
    secrets = IssuedSecrets(query, dependencies.cursors)
    self.kind = kind
  }

  private var memberName: String { kind == .client ? "clients" : "tokens" }

  /// A page of the list: the active ones or, with `status=ended`, those that are revoked or expired; newest first.
  func list(_ request: Request, _ context: CallerContext) async throws -> Response {
    let parameters = try QueryParameters(request.uri.query)
    let status = parameters["status"] ?? "active"
    guard ["active", "ended"].contains(status) else {
      throw ProblemDetails.invalidParameter("status", "status is '\(status.prefix(50))'; active or ended was expected.")
    }
    let page = try AdminPage(parameters, of: memberName, filters: [status], for: context.caller, cursors: cursors)
    let found = try await query.tokens(
      [kind], ended: status == "ended", after: page.after.map { TokenID($0.id.uuid) }, limit: page.readLimit,
      in: context.caller.workspace)
    let now = Date()
    return page.response(found) {
      CursorPosition(after: $0.id.uuid)
    } json: {
      .object($0.json(at: now))
    }
  }

  /// The response with one token or client, and its uses by day and address.
  func show(_ request: Request, _ context: CallerContext) async throws -> Response {
    let token = try await token(in: context)
    var object = token.json(at: Date())
    let uses = try await query.uses(of: token.id, limit: Self.maximumUses, in: context.caller.workspace)
    object["uses"] = .array(
      uses.map { use -> JSON in
        var json: JSONObject = [
          "day": .string(use.day), "count": .integer(Int64(use.count)), "lastUsedAt": .string(Timestamp.text(use.lastUsedAt)),
        ]
        if !use.address.isEmpty { json["address"] = .string(use.address) }
        return .object(json)
      })
    return .management(.ok, .object(object))
  }

  private static let maximumUses = 100

  /// Revokes a token or client. Requests with it are rejected within a second.
  func revoke(_ request: Request, _ context: CallerContext) async throws -> Response {
    let token = try await token(in: context)
    var key = try IdempotencyKey(request, body: [], of: context.caller)
    try await commands.execute(.revokeToken(TokenRevocation(token: token.id)), for: context.caller, once: &key, info: context.info)
      .checkDone()
    return Response(status: .noContent)
  }

  /// The token or client with the id in the path.
  func token(in context: CallerContext) async throws -> ListedToken {
    let text = context.parameters.get(ResourcePath.id) ?? ""
    guard let id = TokenID(text), let token = try await query.token(id, in: context.caller.workspace), token.kind == kind else {
      throw ProblemDetails(404, nil, "There is no \(kind == .client ? "OAuth client" : "token") '\(text.prefix(100))' here.")
    }
    return token
  }

  /// Creates a token or client, and returns it with its secret.
  ///
  /// - Parameter secretName: the member of the response with the secret.
  func issue(
    _ request: Request, _ context: CallerContext, allowed: Set<TokenScope>, secretName: String, path: String
  ) async throws -> Response {
    let (caller, now) = (context.caller, Date())
    let body = try await JSONBody(of: request, context, with: bodies, members: TokenRequestBody.members)
    var key = try IdempotencyKey(request, body: body.bytes, of: caller)
    let wanted = try TokenRequestBody(body, allowed: allowed, at: now)
    let id: TokenID = key?.id("token") ?? .made(at: now)
    let secret = secrets.secret(kind, in: caller.workspace, once: key)
    let grant = TokenGrant(
      token: id, kind: kind, name: wanted.name, scopes: wanted.scopes, digest: SecretDigest.hex(of: secret), expiresAt: wanted.expiresAt)
    try await commands.execute(.issueToken(grant), for: caller, once: &key, info: context.info).checkDone()
    return try await created(id, secret, secretName: secretName, path: path, context, once: key)
  }

  /// The response with a credential that was created, and its secret.
  func created(
    _ id: TokenID, _ secret: String, secretName: String, path: String, _ context: CallerContext, once key: IdempotencyKey?
  ) async throws -> Response {
    let workspace = context.caller.workspace
    try await secrets.check(secret, of: id, in: workspace, once: key)
    guard let token = try await query.token(id, in: workspace) else {
      throw ProblemDetails(404, nil, "\(id) was created, and cannot be found any more.")
    }
    var object = token.json(at: Date())
    object[secretName] = .string(secret)
    return .management(.created, .object(object), headers: [.location: "\(path)/\(id)"])
  }
}
