import Credentials
import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// The admin console: the routes of all its pages and forms.
package struct Console: Sendable {
  /// What the console needs from the rest of the service.
  package struct Dependencies: Sendable {
    var sessions: ConsoleSessions
    var tokens: TokenCache
    var uses: TokenUseLog
    var sites: Sites
    var limits: RateLimits
    /// The database of the pages, which may have a read replica.
    var database: Database
    var commands: CommandClient
    var cursors: CursorSeal
    /// Resends logged requests.
    var replays: EntryReplays
    /// Whether OAuth clients can get access tokens.
    var hasOAuth: Bool
    /// Encrypts the secrets of webhooks; nil if the deployment has no key for it.
    var webhookSeal: WebhookSeal?
    /// Looks up the records that verify mail domains.
    var txtRecords: TXTRecords
    /// The memory budget for form bodies.
    var bodies: BodyBudget

    /// - Parameters:
    ///   - webhookSeal: encrypts the secrets of webhooks; nil if the deployment has no key for it.
    ///   - txtRecords: looks up the TXT records of a name.
    ///   - bodies: by default, a budget with the default limits.
    package init(
      sessions: ConsoleSessions, tokens: TokenCache, uses: TokenUseLog, sites: Sites, limits: RateLimits, database: Database,
      commands: CommandClient, cursors: CursorSeal, replays: EntryReplays, hasOAuth: Bool, webhookSeal: WebhookSeal? = nil,
      txtRecords: @escaping TXTRecords, bodies: BodyBudget = BodyBudget()
    ) {
      self.sessions = sessions
      self.tokens = tokens
      self.uses = uses
      self.sites = sites
      self.limits = limits
      self.database = database
      self.commands = commands
      self.cursors = cursors
      self.replays = replays
      self.hasOAuth = hasOAuth
      self.webhookSeal = webhookSeal
      self.txtRecords = txtRecords
      self.bodies = bodies
    }
  }

  /// The path of the console's first page.
  package static let path = ConsolePath.root

  private let authentication: ConsoleAuthenticationMiddleware
  private let signIn: ConsoleSignInController
  private let controllers: [any ConsoleController]
  private let layout: ConsoleLayout

  /// - Throws: an error if an embedded template cannot be parsed.
  package init(_ dependencies: Dependencies) throws {
    layout = try ConsoleLayout()
    authentication = ConsoleAuthenticationMiddleware(
      sites: dependencies.sites, sessions: dependencies.sessions, limits: dependencies.limits, layout: layout, bodies: dependencies.bodies,
      writtenPosition: dependencies.database.replica.map { WrittenPosition(replica: $0) })
    signIn = try ConsoleSignInController(dependencies, layout: layout)
    let (database, commands) = (dependencies.database, dependencies.commands)
    let accessPages = try AccessPages(database: database)
    controllers = [
      signIn,
      try MembersController(database: database, cursors: dependencies.cursors, commands: commands),
      try GroupsController(database: database, cursors: dependencies.cursors),
      try AccountsController(database: database, cursors: dependencies.cursors, commands: commands),
      try ProvisioningLogController(database: database, replays: dependencies.replays),
      try HealthController(database: database),
      try DriftController(database: database),
      try HeldChangesController(database: database, commands: commands),
      try ConnectionController(database: database, commands: commands),
      AccessController(pages: accessPages, commands: commands),
      DomainsController(pages: accessPages, commands: commands, txtRecords: dependencies.txtRecords),
      try TokensController(database: database, commands: commands, hasOAuth: dependencies.hasOAuth),
      try WebhooksController(database: database, commands: commands, seal: dependencies.webhookSeal),
      try WebhookDeliveriesController(
        database: database, commands: commands, cursors: dependencies.cursors, isConfigured: dependencies.webhookSeal != nil),
      try AuditController(database: database),
    ]
  }

  /// Adds all routes of the console to `router`.
  package func addRoutes(to router: Router<EdgeContext>) {
    addPublicRoutes(to: router)
    addAuthenticatedRoutes(to: router)
  }

  /// Adds the routes that need no session: style sheet, script, and the sign-in pages.
  package func addPublicRoutes(to router: Router<EdgeContext>) {
    ConsoleAssets().addRoutes(to: router)
    signIn.addPublicRoutes(to: router)
  }

  /// Adds the routes that need a session.
  package func addAuthenticatedRoutes(to router: Router<EdgeContext>) {
    let group = router.group(RouterPath(ConsolePath.root), context: ConsoleRequestContext.self)
      .add(middleware: authentication)
      .group(context: ConsoleContext.self)
    for controller in controllers { controller.addRoutes(to: group) }
  }

  /// All routes of the console. GET routes also respond to HEAD.
  package var routes: [RouteDescription] { publicRoutes + authenticatedRoutes }

  /// The routes that need no session.
  package var publicRoutes: [RouteDescription] { Self.routes(addPublicRoutes) }

  /// The routes that need a session.
  package var authenticatedRoutes: [RouteDescription] { Self.routes(addAuthenticatedRoutes) }

  /// A method and a path of the console.
  package typealias RouteDescription = Router<EdgeContext>.RouteDescription

  private static func routes(_ add: (Router<EdgeContext>) -> Void) -> [RouteDescription] {
    let router = Router(context: EdgeContext.self)
    add(router)
    return router.routes.filter { $0.method != .head }
  }

  /// The paths of static files, which are not counted as unauthenticated requests.
  package var publicPaths: Set<String> { Set(ConsoleAssets.all.map(\.path)) }

  /// Whether a request has the cookie of a session that was recently found valid. Reads memory only.
  package func isKnown(_ request: Request) -> Bool {
    [true, false].contains { authentication.sessions.isKnown(request, cookie: SessionCookie(isSecure: $0)) }
  }

  /// Whether `path` is a path of the console, whose errors are pages.
  package func handles(_ path: String) -> Bool { ConsolePath.isConsole(path) }

  /// The page for an error outside of a session.
  package func response(for error: APIError) -> Response { layout.response(error, for: nil) }

  /// The error for a path that no route matches.
  package func unknownPath(_ path: String) -> APIError {
    APIError(404, "This page does not exist. It may have been moved, or the link is incomplete.")
  }
}

/// The routes of one family of pages.
protocol ConsoleController: Sendable {
  /// Adds the routes to the group at the console's root, whose requests have a session.
  func addRoutes(to group: RouterGroup<ConsoleContext>)
}
