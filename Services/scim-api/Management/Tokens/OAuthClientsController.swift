import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import SCIM

/// `/api/v2/admin/workspaces/{workspace}/oauth-clients`: the OAuth clients of a workspace.
struct OAuthClientsController: ManagementController {
  private let lists: TokenLists
  private let hasOAuth: Bool

  /// How long the former secret of a client stays valid unless the request says otherwise, in seconds.
  private static let defaultGrace: TimeInterval = 86_400
  /// The scopes of a client. Its access tokens open neither the console nor the management API.
  private static let scopes = Set(TokenScope.allCases).subtracting([.admin])

  init(_ dependencies: Management.Dependencies) {
    lists = TokenLists(dependencies, kind: .client)
    hasOAuth = dependencies.hasOAuth
  }

  func addRoutes(to routes: ManagementRoutes) {
    let group = routes.workspace
    group.getAndHead("oauth-clients", use: lists.list)
    group.on("oauth-clients", method: .post, use: create)
    group.getAndHead("oauth-clients/{\(ResourcePath.id)}", use: lists.show)
    group.on("oauth-clients/{\(ResourcePath.id)}", method: .delete, use: lists.revoke)
    group.on("oauth-clients/{\(ResourcePath.id)}/rotate-secret", method: .post, use: rotateSecret)
  }

  @Sendable private func create(_ request: Request, _ context: CallerContext) async throws -> Response {
    guard hasOAuth else {
      throw ProblemDetails(
        404, nil, "OAuth is not configured on this deployment: its operator sets oauth.key for identity-store and scim-api.")
    }
    let path = "\(ResourcePath.admin)/workspaces/\(context.caller.workspace)/oauth-clients"
    return try await lists.issue(request, context, allowed: Self.scopes, secretName: "clientSecret", path: path)
  }

  /// Replaces the secret. The former one stays valid until `formerExpiresAt`: by default for a day, with null not at all.
  @Sendable private func rotateSecret(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (caller, now) = (context.caller, Date())
    let client = try await lists.token(in: context)
    let body = try await JSONBody(of: request, context, with: lists.bodies, members: ["formerExpiresAt"], isOptional: true)
    var key = try IdempotencyKey(request, body: body.bytes, of: caller)
    let formerUntil = body.object["formerExpiresAt"] == nil ? now + Self.defaultGrace : try body.futureTime("formerExpiresAt", at: now)
    let secret = lists.secrets.secret(.client, in: caller.workspace, once: key)
    let rotation = SecretRotation(client: client.id, digest: SecretDigest.hex(of: secret), formerUntil: formerUntil)
    try await lists.commands.execute(.rotateSecret(rotation), for: caller, once: &key, info: context.info).checkDone()
    try await lists.secrets.check(secret, of: client.id, in: caller.workspace, once: key)
    // A repeated request changes nothing, and gets the stored expiry of the former secret.
    var object = try await lists.token(in: context).json(at: Date())
    object["clientSecret"] = .string(secret)
    return .management(.ok, .object(object))
  }
}
