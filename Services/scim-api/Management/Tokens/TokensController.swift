import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/api/v2/admin/tokens`, the deployment-wide tokens, and `…/workspaces/{workspace}/tokens`, the access tokens of a workspace.
struct TokensController: ManagementController {
  private let lists: TokenLists

  init(_ dependencies: Management.Dependencies) {
    lists = TokenLists(dependencies, kind: .token)
  }

  func addRoutes(to routes: ManagementRoutes) {
    for group in [routes.deployment, routes.workspace] {
      group.getAndHead("tokens", use: lists.list)
      group.on("tokens", method: .post, use: issue)
      group.getAndHead("tokens/{\(ResourcePath.id)}", use: lists.show)
      group.on("tokens/{\(ResourcePath.id)}", method: .delete, use: lists.revoke)
      group.on("tokens/{\(ResourcePath.id)}/rotate", method: .post, use: rotate)
    }
  }

  @Sendable private func issue(_ request: Request, _ context: CallerContext) async throws -> Response {
    let allowed = context.caller.workspace == .deployment ? TokenScope.deploymentWide : Set(TokenScope.allCases)
    return try await lists.issue(request, context, allowed: allowed, secretName: "token", path: path(for: context))
  }

  /// Creates a token with the name and scopes of another one, which stays valid until `retiresAt` or until it is revoked.
  @Sendable private func rotate(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (caller, now) = (context.caller, Date())
    let token = try await lists.token(in: context)
    let body = try await JSONBody(
      of: request, context, with: lists.bodies, members: ["retiresAt", "expiresAt"], isOptional: true)
    var key = try IdempotencyKey(request, body: body.bytes, of: caller)
    let successor: TokenID = key?.id("token") ?? .made(at: now)
    let secret = lists.secrets.secret(.token, in: caller.workspace, once: key)
    let rotation = TokenRotation(
      token: token.id, successor: successor, digest: SecretDigest.hex(of: secret), retiresAt: try body.futureTime("retiresAt", at: now),
      expiresAt: try body.futureTime("expiresAt", at: now))
    try await lists.commands.execute(.rotateToken(rotation), for: caller, once: &key, info: context.info).checkDone()
    return try await lists.created(successor, secret, secretName: "token", path: path(for: context), context, once: key)
  }

  private func path(for context: CallerContext) -> String {
    let workspace = context.caller.workspace
    return workspace == .deployment ? "\(ResourcePath.admin)/tokens" : "\(ResourcePath.admin)/workspaces/\(workspace)/tokens"
  }
}
