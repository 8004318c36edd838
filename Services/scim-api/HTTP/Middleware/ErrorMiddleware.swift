import Hummingbird
import Logging
import NIOHTTP1
import Postgres
import SCIM
import ServiceKit

/// The error format of one area of the service that does not use SCIM errors.
package protocol ErrorRenderer: Sendable {
  /// Whether the errors of requests to `path` are in this format.
  func handles(_ path: String) -> Bool
  /// The response for `error`.
  func response(for error: APIError) -> Response
  /// The error for a path that no route matches.
  func unknownPath(_ path: String) -> APIError
}

extension ErrorRenderer {
  /// The SCIM error for an unknown path.
  package func unknownPath(_ path: String) -> APIError { .unknownPath(path) }
}

/// Turns errors into responses: SCIM errors (RFC 7644 §3.12), or the format of the area that the path belongs to.
///
/// Also handles what Hummingbird's router does not: OPTIONS, 405 with `Allow`, and HEAD without a body.
package struct ErrorMiddleware: RouterMiddleware {
  let allowed: AllowedMethods
  let renderers: [any ErrorRenderer]
  private let rejections = RejectionMetrics()

  /// - Parameters:
  ///   - allowed: the methods of the router's paths.
  ///   - renderers: the areas with an error format of their own.
  package init(allowed: AllowedMethods, renderers: [any ErrorRenderer] = []) {
    self.allowed = allowed
    self.renderers = renderers
  }

  /// Responds to the request, with an error response if it fails.
  package func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    let response: Response
    do {
      response = try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound {
      response = unrouted(request, context)
    } catch let problem as ProblemDetails {
      let problem = problem.withoutSecrets
      context.info.record(error: problem.body)
      response = problem.response
    } catch {
      response = render(Self.apiError(for: error, context), request, context)
    }
    // The headers are those of GET, the length included (RFC 9110 §9.3.2).
    return request.method == .head ? response.createHeadResponse() : response
  }

  /// The response to a request that no route matches.
  private func unrouted(_ request: Request, _ context: EdgeContext) -> Response {
    let path = request.uri.path
    let methods = allowed.methods(of: path)
    guard !methods.isEmpty else {
      // OPTIONS is sent by programs, so its error is not an HTML page.
      let renderer = request.method == .options ? nil : renderer(for: path)
      return render(renderer?.unknownPath(path) ?? .unknownPath(path), request, context)
    }
    let list = methods.map(\.rawValue).joined(separator: ", ")
    if request.method == .options { return Response(status: .noContent, headers: [.allow: list]) }
    return render(.methodNotAllowed(request.method.rawValue, allowed: list), request, context)
  }

  private func renderer(for path: String) -> (any ErrorRenderer)? { renderers.first { $0.handles(path) } }

  private func render(_ error: APIError, _ request: Request, _ context: EdgeContext) -> Response {
    if let limit = error.limit { rejections.record(limit) }
    // A detail may quote the request.
    let error = error.withoutSecrets
    context.info.record(error: error.error.body())
    if let renderer = renderer(for: request.uri.path) { return renderer.response(for: error) }
    return error.response(mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  private static func apiError(for error: any Error, _ context: EdgeContext) -> APIError {
    switch error {
    case let error as APIError: return error
    case let error as SCIMError: return APIError(error)
    // An error within the body; those before it are handled by MalformedRequestHandler.
    case let error as HTTPParserError: return .malformedRequest(error)
    case is SlowClientHandler.BodyTimeout: return .requestTimeout()
    case let error as PostgresError where error.isTransient:
      context.logger.warning("the database is unavailable", metadata: ["error": "\(error)"])
      return .databaseAway()
    case is CancellationError: return .shuttingDown()
    default:
      context.logger.error("request failed", metadata: ["error": "\(error)"])
      return .internalError(trace: TraceContext.current?.traceID ?? "unknown")
    }
  }
}
