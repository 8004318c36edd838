import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Models
import NIOCore
import ProvisioningLog

/// Sends the request of a log entry once more, in the name of whoever is at the console: by the edge's own endpoints, so that it is checked,
/// normalised, limited, carried out and logged as the identity provider's was.
struct EntryReplays: Sendable {
  private let responder: RouterResponder<EdgeContext>

  /// - Parameter endpoints: those that identity providers reach.
  init(_ endpoints: [Endpoint], log: LogBuffer, limits: RateLimits) {
    var known = KnownPaths()
    for endpoint in endpoints {
      for pattern in endpoint.patterns { known.add(pattern, endpoint.method) }
    }
    let router = Router(context: EdgeContext.self)
    router.add(middleware: RequestLoggingMiddleware(log: log))
    router.add(middleware: ErrorMiddleware(known: known))
    router.add(middleware: URLLengthMiddleware())
    for endpoint in endpoints { endpoint.add(to: router, behind: ReplayAuthenticationMiddleware(limits: limits, scope: endpoint.scope)) }
    responder = router.buildResponder()
  }

  /// What came of it.
  struct Outcome: Sendable, Equatable {
    var status: Int
    /// The entry that the log gets of it; nil for a read that went well, which is not logged.
    var entry: LogEntryID?
  }

  /// - Throws: ``APIError`` where the request cannot be put together; whatever goes wrong with it is an outcome.
  func send(_ replay: ReplayRequest, of original: LogEntryID, in context: ConsoleContext) async throws -> Outcome {
    guard let method = HTTPRequest.Method(replay.method) else {
      throw APIError(409, "The request's method, '\(replay.method.prefix(20))', is none that can be sent again.")
    }
    var headers: HTTPFields = [.contentLength: "\(replay.body?.count ?? 0)"]
    for (name, value) in replay.headers {
      if let name = HTTPField.Name(name) { headers[name] = value }
    }
    let request = Request(
      head: HTTPRequest(method: method, scheme: nil, authority: context.site.host, path: replay.target, headerFields: headers),
      body: RequestBody(buffer: ByteBuffer(bytes: replay.body ?? [])))
    let id = LogEntryID.made(at: Date())
    let replaying = EdgeContext(replaying: original, as: id, in: context)
    let response = try await responder.respond(to: request, context: replaying)
    let status = response.status.code
    let isLogged = status >= 400 || ![.get, .head].contains(method) && !request.uri.path.hasSuffix(".search")
    return Outcome(status: status, entry: isLogged ? id : nil)
  }
}

/// Lets in whom the console has let in already, where the workspace has SCIM.
private struct ReplayAuthenticationMiddleware: RouterMiddleware {
  let limits: RateLimits
  let scope: TokenScope

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try SensitiveQuery.check(request.uri.query)
    guard let caller = context.caller else { throw APIError.unauthenticated() }
    if scope == .scim, let obstacle = caller.settings.scimObstacle {
      throw APIError.closedWorkspace(obstacle, plan: caller.settings.plan)
    }
    try limits.count(caller.token, of: caller.workspace)
    return try await next(request, context)
  }
}

extension EdgeContext {
  /// Of a request that the console sends again.
  fileprivate init(replaying original: LogEntryID, as entry: LogEntryID, in context: ConsoleContext) {
    coreContext = CoreRequestContextStorage(source: LoggerSource(logger: context.logger))
    facts = RequestInfo(peer: context.facts.peer)
    facts.note(replayOf: original, as: entry, by: context.session.caller)
    caller = context.session.caller
    base = context.site.baseURL
  }
}

private struct LoggerSource: RequestContextSource {
  let logger: Logger
}
