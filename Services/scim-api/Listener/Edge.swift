import Hummingbird
import Models
import SCIM
import SCIMStorage

/// The service without its sockets: every endpoint, the doors before them, and what their answers and failures go through.
struct Edge: Sendable {
  let credentials: Authenticator
  let sites: Sites
  let limits: RateLimits
  let neighbours: ActiveWorkspaces
  let uses: TokenUseLog
  let oauth: OAuthEndpoints
  let reads: any ResourceReads
  let directory: any DirectoryReads
  let commands: CommandPath
  let inFlight: ConcurrencyLimit
  let bulksInFlight: ConcurrencyLimit
  let sendSignIn: SignInController.Send
  let sendMailEvent: MailEventController.Send
  let bodies: BodyReader
  let cursors: CursorSeal
  /// nil where this copy of the edge serves none.
  var console: Console?
  /// Where requests are put that the provisioning log wants.
  var log = LogBuffer()
  /// Lists take processor time by the hundred resources: those of one workspace wait for each other rather than keep the others waiting.
  let listTurns: WorkspaceConcurrencyLimiter
  /// Writes of one workspace that are begun at once make a batch as large, which the others' wait for.
  let writeTurns: WorkspaceConcurrencyLimiter

  var endpoints: [Endpoint] {
    let resources = ResourceKind.allCases.flatMap { kind in
      ResourceEndpoints(
        retrieval: Retrieval(kind: kind, reads: reads),
        writing: Writing(kind: kind, bodies: bodies, inFlight: inFlight, turns: writeTurns, commands: commands, reads: reads)
      ).all
    }
    // A literal segment before one that stands for any: `/Users/.search` before `/Users/{id}`.
    return queries + resources + discovery + CurrentUser().all + [
      BulkEndpoint(bodies: bodies, inFlight: bulksInFlight, commands: commands).endpoint,
      SignInController(bodies: bodies, send: sendSignIn).endpoint,
      MailEventController(bodies: bodies, send: sendMailEvent).endpoint,
    ] + DirectoryEndpoints(reads: directory, cursors: cursors).all
  }

  /// What needs no token.
  var openEndpoints: [OpenEndpoint] { oauth.all }

  /// Sends logged requests of identity providers again, for the console.
  var replays: EntryReplays {
    EntryReplays(responder: replayResponder())
  }

  private var discovery: [Endpoint] {
    let limits = ServiceLimits(
      page: Page.maximumCount, defaultPage: Page.defaultCount, cursorTimeout: cursors.lifetime,
      bulkOperations: BulkEndpoint.maximumOperations, payload: bodies.maximum)
    return DiscoveryEndpoints(limits: limits).all
  }

  private var queries: [Endpoint] {
    let ofEach = ResourceKind.allCases.map { (kinds: [$0], path: "/\($0.endpoint)") }
    return (ofEach + [(ResourceKind.allCases, "")]).flatMap { kinds, path in
      QueryEndpoints(
        listing: Listing(kinds: kinds, reads: reads, bodies: bodies, cursors: cursors, turns: listTurns), path: path
      ).all
    }
  }

  /// Counts what is not HTTP, from an address; a refusal where there was too much. Whose it is that a proxy passes on cannot be told.
  func countMalformed(from peer: String?) -> APIError? {
    sites.origins.isTrusted(peer: peer) ? nil : limits.countUnauthenticated(from: peer)
  }

  func responder() -> RouterResponder<EdgeContext> {
    let endpoints = endpoints
    var known = KnownPaths()
    for endpoint in endpoints {
      for pattern in endpoint.patterns { known.add(pattern, endpoint.method) }
    }
    for endpoint in openEndpoints { known.add(endpoint.pattern, endpoint.method) }
    for route in console?.routes ?? [] { known.add(route.path.description, route.method) }
    let router = Router(context: EdgeContext.self)
    router.add(middleware: RequestLoggingMiddleware(log: log))
    router.add(middleware: ErrorMiddleware(known: known, console: console))
    router.add(
      middleware: UnauthenticatedRateLimitMiddleware(
        sites: sites, limits: limits, credentials: credentials, console: console,
        publicPaths: Set(openEndpoints.filter(\.isPublic).map(\.pattern)).union(console?.publicPaths ?? [])))
    router.add(middleware: RequestFramingMiddleware(maximumBody: bodies.maximum))
    router.add(middleware: URLLengthMiddleware())
    for endpoint in endpoints {
      endpoint.add(
        to: router,
        behind: AuthenticationMiddleware(
          sites: sites, credentials: credentials, limits: limits, neighbours: neighbours, uses: uses, scope: endpoint.scope))
    }
    for endpoint in openEndpoints {
      for method in endpoint.method == .get ? [.get, .head] : [endpoint.method] {
        router.on(RouterPath(endpoint.pattern), method: method, use: endpoint.handle)
      }
    }
    console?.addRoutes(to: router)
    return router.buildResponder()
  }
}
