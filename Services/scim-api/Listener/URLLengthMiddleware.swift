import Hummingbird

/// Bounds the length of a URL.
struct URLLengthMiddleware: RouterMiddleware {
  static let maximum = 8192

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    guard request.head.path?.utf8.count ?? 0 <= Self.maximum else { throw APIError.urlTooLong(limit: Self.maximum) }
    return try await next(request, context)
  }
}
