import Hummingbird
import Logging
import NIOHTTP1
import Postgres
import SCIM
import ServiceKit

/// Answers whatever a request fails with by a SCIM error (RFC 7644 §3.12), and what every path answers alike: OPTIONS by the methods there
/// are, HEAD without a body.
struct ErrorMiddleware: RouterMiddleware {
  let known: KnownPaths
  /// Renders errors of the console as pages; nil if the console is disabled.
  var console: Console?

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let response = try await answer(request, context, next)
    // The headers are those of GET, the length included (RFC 9110 §9.3.2).
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(
    _ request: Request, _ context: EdgeContext, _ next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound && request.method == .options {
      let allowed = known.methods(of: request.uri.path)
      guard allowed.isEmpty else { return Response(status: .noContent, headers: [.allow: allowed.list]) }
      return refuse(.unknownPath(request.uri.path), request, context)
    } catch {
      return refuse(refusal(for: error, request, context), request, context)
    }
  }

  private func refuse(_ refusal: APIError, _ request: Request, _ context: EdgeContext) -> Response {
    // A refusal may repeat what was sent.
    let refusal = refusal.withoutSecrets
    context.facts.note(refusal: refusal.error.body())
    if request.uri.path == OAuthEndpoints.tokenPath { return OAuthError(refusal).response }
    if let console, console.handles(request.uri.path) { return console.response(for: refusal) }
    return .refusal(refusal, mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  private func refusal(for error: any Error, _ request: Request, _ context: EdgeContext) -> APIError {
    switch error {
    case let refusal as APIError: return refusal
    case let error as SCIMError: return APIError(error)
    // In the middle of the body.
    case let error as HTTPParserError: return .malformedRequest(error)
    case is SlowClientHandler.BodyTimeout: return .requestTimeout()
    case let error as HTTPError where error.status == .notFound:
      let allowed = known.methods(of: request.uri.path)
      if allowed.isEmpty, let console, console.handles(request.uri.path) { return console.unknownPath(request.uri.path) }
      return allowed.isEmpty ? .unknownPath(request.uri.path) : .methodNotAllowed(request.method.rawValue, allowed: allowed.list)
    case let error as PostgresError where error.isTransient:
      context.logger.warning("the database is away", metadata: ["error": "\(error)"])
      return .databaseAway()
    case is CancellationError: return .shuttingDown()
    default:
      context.logger.error("request failed", metadata: ["error": "\(error)"])
      return .internalError(trace: TraceContext.current?.traceID ?? "unknown")
    }
  }
}

extension [HTTPRequest.Method] {
  /// The value of `Allow`.
  fileprivate var list: String { map(\.rawValue).joined(separator: ", ") }
}
