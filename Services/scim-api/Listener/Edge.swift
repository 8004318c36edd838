import Hummingbird
import Models
import Queries
import SCIM

/// The service without its sockets: every endpoint, the door before them, and what their answers and failures go through.
struct Edge: Sendable {
  let tokens: TokenDirectory
  let reads: any ResourceReads
  let commands: CommandPath
  let inFlight: InFlight
  let bulksInFlight: InFlight
  let sendSignIn: SignInIntake.Send
  let sendMailEvent: MailEventIntake.Send
  let bodies: BodyReader
  let baseURLs: BaseURLRule
  let cursors: CursorSeal

  var endpoints: [Endpoint] {
    let resources = ResourceKind.allCases.flatMap { kind in
      ResourceEndpoints(
        retrieval: Retrieval(kind: kind, reads: reads, baseURLs: baseURLs),
        writing: Writing(kind: kind, bodies: bodies, inFlight: inFlight, commands: commands, reads: reads, baseURLs: baseURLs)
      ).all
    }
    // A literal segment before one that stands for any: `/Users/.search` before `/Users/{id}`.
    return queries + resources + discovery + CurrentUser().all + [
      BulkEndpoint(bodies: bodies, inFlight: bulksInFlight, commands: commands, baseURLs: baseURLs).endpoint,
      SignInIntake(bodies: bodies, send: sendSignIn).endpoint,
      MailEventIntake(bodies: bodies, send: sendMailEvent).endpoint,
    ]
  }

  private var discovery: [Endpoint] {
    let limits = ServiceLimits(
      page: Page.maximumCount, defaultPage: Page.defaultCount, cursorTimeout: cursors.lifetime,
      bulkOperations: BulkEndpoint.maximumOperations, payload: bodies.maximum)
    return DiscoveryEndpoints(baseURLs: baseURLs, limits: limits).all
  }

  private var queries: [Endpoint] {
    let ofEach = ResourceKind.allCases.map { (kinds: [$0], path: "/\($0.endpoint)") }
    return (ofEach + [(ResourceKind.allCases, "")]).flatMap { kinds, path in
      QueryEndpoints(
        listing: Listing(kinds: kinds, reads: reads, baseURLs: baseURLs, bodies: bodies, cursors: cursors), path: path
      ).all
    }
  }

  func responder() -> RouterResponder<EdgeContext> {
    let endpoints = endpoints
    var known = KnownPaths()
    for endpoint in endpoints {
      for pattern in endpoint.patterns { known.add(pattern, endpoint.method) }
    }
    let router = Router(context: EdgeContext.self)
    router.add(middleware: RequestRecording())
    router.add(middleware: FailureAnswers(known: known))
    for endpoint in endpoints {
      let group = router.group()
        .add(middleware: Door(tokens: tokens, scope: endpoint.scope))
        .group(context: CallerContext.self)
      for pattern in endpoint.patterns {
        for method in endpoint.method == .get ? [.get, .head] : [endpoint.method] {
          group.on(RouterPath(pattern), method: method) { request, context in
            if endpoint.scope == .scim { try MediaType.check(accept: request.headers[.accept]) }
            return try await endpoint.handle(request, context)
          }
        }
      }
    }
    return router.buildResponder()
  }
}
