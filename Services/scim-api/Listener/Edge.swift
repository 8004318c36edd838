import Hummingbird
import Models
import SCIM

/// The service without its sockets: every endpoint, the door before them, and what their answers and failures go through.
struct Edge: Sendable {
  let tokens: TokenDirectory
  let reads: any ResourceReads
  let commands: CommandPath
  let inFlight: InFlight
  let bulksInFlight: InFlight
  let sendSignIn: SignInIntake.Send
  let bodies: BodyReader
  let baseURLs: BaseURLRule

  var endpoints: [Endpoint] {
    ResourceKind.allCases.flatMap { kind in
      ResourceEndpoints(
        retrieval: Retrieval(kind: kind, reads: reads, baseURLs: baseURLs),
        listing: Listing(kind: kind, reads: reads, baseURLs: baseURLs),
        writing: Writing(kind: kind, bodies: bodies, inFlight: inFlight, commands: commands, reads: reads, baseURLs: baseURLs)
      ).all
    } + DiscoveryEndpoints(baseURLs: baseURLs, maximumPayload: bodies.maximum).all + [
      BulkEndpoint(bodies: bodies, inFlight: bulksInFlight, commands: commands, baseURLs: baseURLs).endpoint,
      SignInIntake(bodies: bodies, send: sendSignIn).endpoint,
    ]
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
