import Hummingbird

/// One thing that can be asked for without a token.
struct OpenEndpoint: Sendable {
  let method: HTTPRequest.Method
  let pattern: String
  let handle: @Sendable (Request, EdgeContext) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ pattern: String, handle: @escaping @Sendable (Request, EdgeContext) async throws -> Response
  ) {
    self.method = method
    self.pattern = pattern
    self.handle = handle
  }
}
