import Foundation
import HTTPTypes
import Hummingbird
import Models

/// Which workspace the requests of a route are about.
package enum WorkspaceRequirement: Sendable {
  /// One workspace: that of a workspace's token, or the one that a request with a deployment-wide token names.
  case one
  /// As ``one``, but a request with a deployment-wide token may leave the name out. Then it is about all workspaces, and the caller's
  /// workspace is ``WorkspaceID/deployment``.
  case oneOrAll
  /// None: the route needs a deployment-wide token.
  case deployment
}

/// What authenticates the callers of the product API and the management API.
package struct ProductAuthentication: Sendable {
  let authenticator: Authenticator
  let sites: Sites
  let limits: RateLimits
  let activeWorkspaces: ActiveWorkspaces
  let uses: TokenUseLog
  let workspaces: NamedWorkspaceCache

  /// - Parameter workspaces: the workspaces that requests with deployment-wide tokens name.
  package init(
    _ authenticator: Authenticator, sites: Sites, limits: RateLimits, activeWorkspaces: ActiveWorkspaces, uses: TokenUseLog,
    workspaces: NamedWorkspaceCache
  ) {
    self.authenticator = authenticator
    self.sites = sites
    self.limits = limits
    self.activeWorkspaces = activeWorkspaces
    self.uses = uses
    self.workspaces = workspaces
  }

  /// The middleware for routes that need `scope`.
  package func middleware(_ scope: TokenScope, _ requirement: WorkspaceRequirement = .one) -> ProductAuthenticationMiddleware {
    ProductAuthenticationMiddleware(authentication: self, scope: scope, requirement: requirement)
  }
}

/// Authenticates requests by the token of a workspace or by a deployment-wide token.
///
/// A request names its workspace in the path (`…/workspaces/{workspace}/…`) or in the header `Rollcall-Workspace`, by id or slug. A
/// workspace's token may name only its own workspace, or none. Sets ``EdgeContext/caller``, whose workspace is the named one, and
/// ``EdgeContext/base``.
package struct ProductAuthenticationMiddleware: RouterMiddleware {
  let authentication: ProductAuthentication
  let scope: TokenScope
  let requirement: WorkspaceRequirement

  /// Authenticates the request, or throws 400, 401, 403, 404 or 429.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let authenticated: EdgeContext
    do {
      authenticated = try await authenticate(request, context)
    } catch let error as APIError {
      throw error.addressingProduct
    }
    return try await next(request, authenticated)
  }

  /// The context with the caller.
  private func authenticate(_ request: Request, _ context: EdgeContext) async throws -> EdgeContext {
    try SensitiveQuery.check(request.uri.query)
    let (sites, limits) = (authentication.sites, authentication.limits)
    let origin = try sites.origins.origin(of: request.head, peer: context.info.peer)
    let site = try await sites.site(of: origin)
    let now = Date()
    let record = try await authentication.authenticator.record(
      forRequestWith: request.headers[.authorization], at: site, now, info: context.info)
    let name = requirement == .deployment ? nil : try Self.name(in: request, context)
    var named: NamedWorkspace?
    if record.caller.isDeploymentWide, let name { named = try await authentication.workspaces.workspace(named: name) }
    try await limits.admit(
      record.token, of: named?.id ?? record.workspace, isDeploymentWide: record.caller.isDeploymentWide)
    let caller = try caller(record, naming: name, named, at: now)
    if caller.workspace != .deployment { authentication.activeWorkspaces.record(caller.workspace) }
    try site.admit(caller.workspace)
    authentication.uses.record(caller, from: origin.address, at: now)
    context.info.record(caller)
    var context = context
    context.caller = caller
    context.base = site.baseURL
    return context
  }

  /// The workspace's name in the path or in the header; nil if there is none.
  private static func name(in request: Request, _ context: EdgeContext) throws -> String? {
    let inPath = context.parameters.get(ResourcePath.workspace)
    guard let inHeader = request.headers[.workspace], !inHeader.isEmpty else { return inPath }
    guard inPath == nil || inPath == inHeader else { throw ProblemDetails.workspaceNamedTwice() }
    return inHeader
  }

  private func caller(
    _ record: TokenRecord, naming name: String?, _ workspace: NamedWorkspace?, at now: Date
  ) throws -> Caller {
    let caller = try record.granted(scope, at: now)
    guard caller.isDeploymentWide else {
      guard requirement != .deployment else { throw ProblemDetails.notDeploymentWide(caller.name) }
      if let name, WorkspaceID(name) != caller.workspace, name != caller.settings.slug {
        throw ProblemDetails.otherWorkspace(name, caller)
      }
      return caller
    }
    if let workspace { return caller.acting(in: workspace) }
    if let name { throw ProblemDetails.unknownWorkspace(name) }
    guard requirement != .one else { throw ProblemDetails.workspaceMissing() }
    return caller
  }
}

extension HTTPField.Name {
  /// The header in which a request with a deployment-wide token names the workspace, by id or slug.
  package static let workspace: HTTPField.Name = {
    guard let name = HTTPField.Name("Rollcall-Workspace") else { preconditionFailure("the name of the header is not a token") }
    return name
  }()
}

extension ProblemDetails {
  /// 404 for a workspace that no id or slug names.
  package static func unknownWorkspace(_ name: String) -> ProblemDetails {
    ProblemDetails(
      404, .unknownWorkspace,
      "No workspace has the id or slug '\(name.prefix(100))'. GET \(ResourcePath.admin)/workspaces lists them.")
  }

  fileprivate static func workspaceNamedTwice() -> ProblemDetails {
    ProblemDetails(
      400, .workspaceNotNamed,
      "The path and the header Rollcall-Workspace name different workspaces. Leave the header out, or name the same workspace.")
  }

  fileprivate static func workspaceMissing() -> ProblemDetails {
    ProblemDetails(
      400, .workspaceNotNamed,
      "The token is deployment-wide, and the request names no workspace. Send the header Rollcall-Workspace with its id or slug.")
  }

  /// 403 for the token of one workspace in a request that names another.
  package static func otherWorkspace(_ name: String, _ caller: Caller) -> ProblemDetails {
    ProblemDetails(
      403, .otherWorkspace,
      """
      The token '\(caller.name.prefix(100))' belongs to the workspace '\(caller.settings.slug)', and the request names \
      '\(name.prefix(100))'. Send a token of that workspace, or a deployment-wide one.
      """)
  }

  fileprivate static func notDeploymentWide(_ name: String) -> ProblemDetails {
    ProblemDetails(
      403, .otherWorkspace,
      """
      The token '\(name.prefix(100))' belongs to one workspace; this needs a deployment-wide token. The operator issues one with \
      'scimctl token issue --deployment'.
      """)
  }
}
