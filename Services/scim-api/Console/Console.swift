import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// The admin console: every page, and what can be done on it. A page is a folder, with its handler, its query and its template.
package struct Console: Sendable {
  let door: ConsoleAuthenticationMiddleware
  let endpoints: [ConsoleEndpoint]
  private let signIn: ConsoleSignIn
  private let bodies: BodyBudget

  /// What the console's pages and its door need of the edge.
  package struct Parts: Sendable {
    var sessions: ConsoleSessions
    var tokens: TokenCache
    var uses: TokenUseLog
    var sites: Sites
    var limits: RateLimits
    var database: Database
    var commands: CommandClient
    var cursors: CursorSeal
    /// Sends logged requests again.
    var replays: EntryReplays
    /// Whether OAuth clients can get access tokens.
    var hasOAuth: Bool
    /// The memory for forms.
    var bodies: BodyBudget

    /// The parts of the edge that the console uses.
    package init(
      sessions: ConsoleSessions, tokens: TokenCache, uses: TokenUseLog, sites: Sites, limits: RateLimits, database: Database,
      commands: CommandClient, cursors: CursorSeal, replays: EntryReplays, hasOAuth: Bool, bodies: BodyBudget = BodyBudget()
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
      self.bodies = bodies
    }
  }

  /// - Throws: where a template that is built in cannot be read.
  package init(_ parts: Parts) throws {
    let layout = try ConsoleLayout()
    door = ConsoleAuthenticationMiddleware(sites: parts.sites, sessions: parts.sessions, limits: parts.limits, layout: layout)
    signIn = try ConsoleSignIn(parts, layout: layout)
    bodies = parts.bodies
    endpoints =
      [SignOut(commands: parts.commands).endpoint] + (try Self.members(parts)) + (try Self.groups(parts))
      + (try Self.provisioning(parts)) + (try Self.connection(parts)) + (try Self.tokens(parts))
  }

  /// What needs no session.
  var openEndpoints: [OpenEndpoint] { ConsoleAssets().all + signIn.all }

  var layout: ConsoleLayout { door.layout }

  /// Adds all routes of the console.
  package func addRoutes(to router: Router<EdgeContext>) {
    for endpoint in openEndpoints {
      if endpoint.method == .get {
        router.getAndHead(RouterPath(endpoint.pattern), use: endpoint.handle)
      } else {
        router.on(RouterPath(endpoint.pattern), method: endpoint.method, use: endpoint.handle)
      }
    }
    let (layout, bodies) = (door.layout, bodies)
    for endpoint in endpoints {
      let group = router.group().add(middleware: door).group(context: ConsoleContext.self)
      for method in endpoint.method == .get ? [.get, .head] : [endpoint.method] {
        group.on(RouterPath(endpoint.pattern), method: method) { request, context in
          try await endpoint.respond(request, context, layout: layout, bodies: bodies)
        }
      }
    }
  }

  /// The paths that anybody may read, any number of times.
  package var publicPaths: Set<String> { Set(openEndpoints.filter(\.isPublic).map(\.pattern)) }

  private static func tokens(_ parts: Parts) throws -> [ConsoleEndpoint] {
    let (query, secrets) = (TokensQuery(database: parts.database), try SecretPage())
    return [
      try TokensPage(query: query, hasOAuth: parts.hasOAuth).endpoint,
      try AuditPage(query: AuditQuery(database: parts.database)).endpoint,
    ] + (try NewTokenPage(commands: parts.commands, hasOAuth: parts.hasOAuth, secrets: secrets).all)
      + (try TokenPage(query: query, commands: parts.commands, secrets: secrets).all)
  }

  private static func members(_ parts: Parts) throws -> [ConsoleEndpoint] {
    try MembersPage(query: MembersQuery(database: parts.database), cursors: parts.cursors).all
      + MemberPage(database: parts.database, cursors: parts.cursors, commands: parts.commands).all
  }

  private static func groups(_ parts: Parts) throws -> [ConsoleEndpoint] {
    try GroupsPage(database: parts.database, cursors: parts.cursors).all
      + GroupPage(database: parts.database, cursors: parts.cursors).all
  }

  private static func connection(_ parts: Parts) throws -> [ConsoleEndpoint] {
    try ConnectionPage(database: parts.database, commands: parts.commands).all
  }

  private static func provisioning(_ parts: Parts) throws -> [ConsoleEndpoint] {
    try LogPage(database: parts.database).all + EntryPage(database: parts.database, replays: parts.replays).all
      + HealthPage(database: parts.database).all + DriftPage(database: parts.database).all
      + HeldPage(database: parts.database, commands: parts.commands).all
  }

  /// Where the console begins.
  static let path = "/console"
}
