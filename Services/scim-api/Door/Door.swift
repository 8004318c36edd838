import Foundation
import Hummingbird
import Models

/// Lets in whoever has a token of the right scope, and tells the handlers behind it who that is.
struct Door: RouterMiddleware {
  let tokens: TokenDirectory
  let limits: RateLimits
  let scope: TokenScope

  func handle(
    _ request: Request, context: EdgeContext, next: (Request, EdgeContext) async throws -> Response
  ) async throws -> Response {
    try SensitiveQuery.check(request.uri.query)
    let authorization = request.headers[.authorization]
    let record = try await limits.admitting(request, from: context.facts.peer, tokens) {
      try await tokens.record(for: try BearerToken.text(in: authorization))
    }
    context.facts.note(token: record.token, workspace: record.workspace)
    try limits.count(record.token, of: record.workspace)
    var context = context
    context.caller = try Caller(record, for: scope, at: Date())
    return try await next(request, context)
  }
}
