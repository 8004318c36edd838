import Foundation
import Logging
import Postgres

@testable import scim_api

/// The routes of the edge, as its router has them.
struct Routes {
  let endpoints: [Endpoint]

  init() {
    // What the endpoints do is done by the running processes; here they are listed.
    let pool = PostgresPool(
      PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none", applicationName: "routes"),
      logger: Logger(label: "routes") { _ in SwiftLogNoOpLogHandler() })
    let database = Database(pool: pool, patience: .zero)
    let limits = InFlight.Limits(all: 1, perWorkspace: 1, perToken: 1)
    endpoints =
      Edge(
        tokens: TokenDirectory { _, _ in nil }, limits: RateLimits(), reads: DatabaseReads(database: database),
        commands: CommandPath(deadline: 1, bulkDeadline: 1, storeBound: 1, ask: { _, _ in nil }, recorded: { _, _ in [:] }),
        inFlight: InFlight(limits), bulksInFlight: InFlight(limits), sendSignIn: { _, _ in },
        bodies: BodyReader(maximum: 1, budget: BodyBudget(maximum: 1)), baseURLs: BaseURLRule(publicURL: nil, trustsForwarded: false),
        cursors: CursorSeal(secret: nil, lifetime: 1)
      ).endpoints
  }
}

extension Endpoint {
  /// `GET /api/v2/scim/Users/{id}`
  var name: String { "\(method.rawValue) \(pattern)" }
}
