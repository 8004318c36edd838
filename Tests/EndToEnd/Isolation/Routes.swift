import Foundation
import Logging
import Postgres

@testable import ScimAPI

/// The routes of the edge, as its router has them.
struct Routes {
  let endpoints: [Endpoint]
  /// The routes that need neither a token nor a session.
  let open: [Route]
  /// The routes of the console that need a session.
  let console: [Route]

  init() {
    // What the endpoints do is done by the running processes; here they are listed.
    let logger = Logger(label: "routes") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(
      PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none", applicationName: "routes"),
      logger: logger)
    let database = Database(pool: pool, patience: .zero)
    let limits = ConcurrencyLimit.Limits(all: 1, perWorkspace: 1, perToken: 1)
    let (tokens, rates) = (TokenCache { _, _ in nil }, RateLimits())
    let sites = Sites(publicURL: nil, origins: OriginRule(), domains: DomainCache { _ in nil })
    let uses = TokenUseLog(interval: .seconds(60), source: "routes", logger: logger) { _ in }
    let commands = CommandPath(deadline: 1, bulkDeadline: 1, storeBound: 1, ask: { _, _ in nil }, recorded: { _, _ in [:] })
    let cursors = CursorSeal(secret: nil, lifetime: 1)
    var edge = Edge(
      credentials: Authenticator(tokens: tokens, oauth: nil), sites: sites, limits: rates,
      neighbours: ActiveWorkspaces(), uses: uses,
      oauth: OAuthEndpoints(tokens: TokenEndpoint(sites: sites, tokens: tokens, limits: rates, keys: nil, lifetime: 600)),
      reads: DatabaseReads(database: database), directory: DatabaseDirectory(database: database),
      commands: commands,
      inFlight: ConcurrencyLimit(limits), bulksInFlight: ConcurrencyLimit(limits), sendSignIn: { _, _ in }, sendMailEvent: { _, _, _ in },
      bodies: BodyReader(maximum: 1, budget: BodyBudget()),
      cursors: cursors, listTurns: WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1),
      writeTurns: WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1))
    edge.console = try! Console(
      Console.Dependencies(
        sessions: ConsoleSessions(cache: SessionCache(database), commands: commands, sites: sites, limits: rates),
        tokens: tokens, uses: uses, sites: sites, limits: rates, database: database, commands: commands,
        cursors: cursors, replays: edge.replays, hasOAuth: true))
    endpoints = edge.endpoints
    open =
      edge.openEndpoints.map { Route(method: $0.method.rawValue, pattern: $0.pattern) } + (edge.console?.publicRoutes ?? []).map(Route.init)
    console = (edge.console?.authenticatedRoutes ?? []).map(Route.init)
  }
}

/// A method and a path pattern.
struct Route: Sendable {
  /// `GET`
  let method: String
  /// `/console/settings/api/{id}`
  let pattern: String

  /// `GET /console/settings/api/{id}`
  var name: String { "\(method) \(pattern)" }
}

extension Route {
  init(_ route: Console.RouteDescription) { self.init(method: route.method.rawValue, pattern: route.path.description) }
}

extension Endpoint {
  /// `GET /api/v2/scim/Users/{id}`
  var name: String { "\(method.rawValue) \(pattern)" }
}
