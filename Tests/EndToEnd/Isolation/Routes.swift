import Foundation
import Logging
import Postgres

@testable import scim_api

/// The routes of the edge, as its router has them.
struct Routes {
  let endpoints: [Endpoint]
  /// Those that need no token.
  let open: [OpenEndpoint]

  init() {
    // What the endpoints do is done by the running processes; here they are listed.
    let logger = Logger(label: "routes") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(
      PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none", applicationName: "routes"),
      logger: logger)
    let database = Database(pool: pool, patience: .zero)
    let limits = InFlight.Limits(all: 1, perWorkspace: 1, perToken: 1)
    let (tokens, rates) = (TokenDirectory { _, _ in nil }, RateLimits())
    let sites = Sites(publicURL: nil, origins: OriginRule(), domains: DomainDirectory { _ in nil })
    let edge = Edge(
      credentials: Credentials(tokens: tokens, oauth: nil), sites: sites, limits: rates,
      neighbours: Neighbours(), uses: TokenUseLog(interval: .seconds(60), source: "routes", logger: logger) { _ in },
      oauth: OAuthEndpoints(tokens: TokenEndpoint(sites: sites, tokens: tokens, limits: rates, keys: nil, lifetime: 600)),
      reads: DatabaseReads(database: database), directory: DatabaseDirectory(database: database),
      commands: CommandPath(deadline: 1, bulkDeadline: 1, storeBound: 1, ask: { _, _ in nil }, recorded: { _, _ in [:] }),
      inFlight: InFlight(limits), bulksInFlight: InFlight(limits), sendSignIn: { _, _ in }, sendMailEvent: { _, _ in },
      bodies: BodyReader(maximum: 1, budget: BodyBudget(maximum: 1)),
      cursors: CursorSeal(secret: nil, lifetime: 1), listTurns: WorkspaceTurns(maximumPerWorkspace: 1),
      writeTurns: WorkspaceTurns(maximumPerWorkspace: 1))
    endpoints = edge.endpoints
    open = edge.openEndpoints
  }
}

extension OpenEndpoint {
  var name: String { "\(method.rawValue) \(pattern)" }
}

extension Endpoint {
  /// `GET /api/v2/scim/Users/{id}`
  var name: String { "\(method.rawValue) \(pattern)" }
}
