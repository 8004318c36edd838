import EdgeHTTP
import EdgeReads
import Hummingbird

/// A route of the console that needs no session.
struct OpenEndpoint: Sendable {
  let method: HTTPRequest.Method
  let pattern: String
  /// Whether it is for everybody to read, any number of times.
  let isPublic: Bool
  let handle: @Sendable (Request, EdgeContext) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ pattern: String, isPublic: Bool = false,
    handle: @escaping @Sendable (Request, EdgeContext) async throws -> Response
  ) {
    self.method = method
    self.pattern = pattern
    self.isPublic = isPublic
    self.handle = handle
  }
}
