import Hummingbird
import Models

/// One thing that can be asked for: where, how, and with a token of which scope.
struct Endpoint: Sendable {
  let method: HTTPRequest.Method
  /// `/a/{id}`; a segment in braces stands for any.
  let pattern: String
  let scope: TokenScope
  let handle: @Sendable (Request, CallerContext) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ pattern: String, scope: TokenScope = .scim,
    handle: @escaping @Sendable (Request, CallerContext) async throws -> Response
  ) {
    self.method = method
    self.pattern = pattern
    self.scope = scope
    self.handle = handle
  }
}
