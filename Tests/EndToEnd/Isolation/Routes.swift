import Foundation
import Kafka
import Logging
import Postgres

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ManagementAPI
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

/// The routes of the edge, as its router has them.
struct Routes {
  /// Those that need a token.
  let endpoints: [Route]
  /// Those that need neither a token nor a session.
  let open: [Route]
  /// Those of the console, for who has signed in there.
  let console: [Route]

  init() {
    // What the routes do is done by the running processes; here they are listed.
    let edge = Self.edge()
    let versioned = "\(ResourcePath.base)/v2"
    // HEAD is GET without a body, and each SCIM path is there twice, with the version of the protocol and without.
    let all = edge.router().routes.map { Route(method: $0.method.rawValue, pattern: $0.path.description) }
      .filter { $0.method != "HEAD" && $0.pattern != versioned && !$0.pattern.hasPrefix(versioned + "/") }
    let publicPages = Set((edge.console?.publicRoutes ?? []).map(\.path.description))
    func isOpen(_ route: Route) -> Bool {
      publicPages.contains(route.pattern) || route.pattern == OAuthController.tokenPath
        || OAuthController.publicPaths.contains(route.pattern) || route.pattern == OpenAPIController.path
    }
    open = all.filter(isOpen)
    console = all.filter { !isOpen($0) && ResourcePath.isConsole($0.pattern) }
    endpoints = all.filter { !isOpen($0) && !ResourcePath.isConsole($0.pattern) }
  }

  private static func edge() -> Edge {
    let logger = Logger(label: "routes") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(
      PostgresConfiguration(url: "postgres://nobody@127.0.0.1:1/none", applicationName: "routes"),
      logger: logger)
    let database = Database(pool: pool, retryTimeout: .zero)
    let inFlight = ConcurrencyLimit(ConcurrencyLimit.Limits(all: 1, perWorkspace: 1, perToken: 1))
    let limiter = WorkspaceConcurrencyLimiter(maximumPerWorkspace: 1)
    let (tokens, rates) = (TokenCache { _, _ in nil }, RateLimits())
    let sites = Sites(publicURL: nil, origins: OriginRule(), domains: DomainCache { _ in nil })
    let producer = SilentProducer()
    let uses = TokenUseLog(interval: .seconds(60), source: "routes", producer: producer, logger: logger)
    let commands = CommandClient(
      CommandClient.Timeouts(start: 1, bulkStart: 1, execution: 1), exchange: { _, _ in nil }, recordedReplies: { _, _ in [:] })
    let cursors = CursorSeal(secret: nil, lifetime: 1)
    let bodies = BodyReader(maximum: 1, budget: BodyBudget())
    let directory = DatabaseDirectory(database: database)
    var edge = Edge(
      authenticator: Authenticator(tokens: tokens, oauth: nil), sites: sites, limits: rates, activeWorkspaces: ActiveWorkspaces(),
      uses: uses, bodies: bodies,
      scim: SCIMRoutes(
        reads: DatabaseReads(database: database), commands: commands, bodies: bodies, cursors: cursors, writesInFlight: inFlight,
        bulksInFlight: inFlight, listLimiter: limiter, writeLimiter: limiter),
      signIns: SignInController(
        bodies: bodies, producer: producer, commands: commands, inFlight: inFlight, workspaces: NamedWorkspaceCache(database),
        user: { _, _ in nil }, source: "routes", timeout: .zero),
      mailEvents: MailEventController(bodies: bodies, producer: producer, source: "routes", timeout: .zero),
      directory: DirectoryController(reads: directory, cursors: cursors),
      events: EventsController(
        reads: DatabaseEvents(database: database, feed: nil),
        waiters: EventWaiters(logger: logger) { _, _ in EventEnds(position: 0) }, waiting: inFlight, snapshots: inFlight,
        workspaces: NamedWorkspaceCache(database)),
      oauth: OAuthController(
        tokens: TokenEndpoint(sites: sites, tokens: tokens, limits: rates, keys: nil, lifetime: 600), directory: directory),
      workspaces: NamedWorkspaceCache(database),
      management: Management(
        Management.Dependencies(
          database: database, commands: commands, cursors: cursors, bodies: bodies, hasOAuth: true,
          txtRecords: { _ in [] })))
    edge.console = try! Console(
      Console.Dependencies(
        sessions: ConsoleSessions(cache: SessionCache(database), commands: commands, sites: sites, limits: rates),
        tokens: tokens, uses: uses, sites: sites, limits: rates, database: database, commands: commands,
        cursors: cursors, replays: EntryReplays(responder: edge.replayResponder()), hasOAuth: true,
        txtRecords: { _ in [] }))
    return edge
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

/// Sends nothing.
private struct SilentProducer: MessageProducer {
  func send(contentsOf messages: [OutgoingMessage]) async throws {}
}
