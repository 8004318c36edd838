import Foundation
import Hummingbird
import Models

/// Lets in whoever has a token of the right scope, and tells the handlers behind it who that is.
struct Door: RouterMiddleware {
  let tokens: TokenDirectory
  let scope: TokenScope

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try SensitiveQuery.check(request.uri.query)
    let text = try BearerToken.text(in: request.headers[.authorization])
    let record = try await tokens.record(for: text)
    context.facts.note(record)
    var context = context
    context.caller = try Caller(record, for: scope, at: Date())
    return try await next(request, context)
  }
}
