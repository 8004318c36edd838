import Foundation
import Logging
import Postgres

@testable import ScimAPI

/// The routes of the edge, as its router has them.
struct Routes {
  let endpoints: [Endpoint]
  /// Those that need no token.
  let open: [OpenEndpoint]
  /// Those of the console, for who has signed in there.
  let console: [ConsoleEndpoint]

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
      cursors: cursors, listTurns: WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1), writeTurns: WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1))
    edge.console = try! Console(
      Console.Parts(
        sessions: ConsoleSessions(directory: SessionCache(database), commands: commands, sites: sites, limits: rates),
        tokens: tokens, uses: uses, sites: sites, limits: rates, database: database, commands: commands,
        cursors: cursors, replays: edge.replays, hasOAuth: true))
    endpoints = edge.endpoints
    open = edge.openEndpoints
    console = edge.console?.endpoints ?? []
  }
}

extension OpenEndpoint {
  var name: String { "\(method.rawValue) \(pattern)" }
}

extension ConsoleEndpoint {
  /// `GET /console/settings/api/{id}`
  var name: String { "\(method.rawValue) \(pattern)" }
}

extension Endpoint {
  /// `GET /api/v2/scim/Users/{id}`
  var name: String { "\(method.rawValue) \(pattern)" }
}
