import Hummingbird
import Logging
import Postgres
import SCIM
import ServiceKit

/// Answers whatever a request fails with by a SCIM error (RFC 7644 §3.12).
struct FailureAnswers: RouterMiddleware {
  let known: KnownPaths

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let refusal = refusal(for: error, request, context)
      return .refusal(refusal, mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
    }
  }

  private func refusal(for error: any Error, _ request: Request, _ context: EdgeContext) -> Refusal {
    switch error {
    case let refusal as Refusal: return refusal
    case let error as SCIMError: return Refusal(error)
    case let error as HTTPError where error.status == .notFound:
      let allowed = known.methods(of: request.uri.path)
      return allowed.isEmpty
        ? .unknownPath(request.uri.path) : .methodNotAllowed(request.method.rawValue, allowed: allowed.map(\.rawValue))
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
