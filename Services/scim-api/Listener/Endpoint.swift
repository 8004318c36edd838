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

  /// The paths it is at: a client may name the version of the protocol behind the base URL (RFC 7644 §3.13), and there is but one.
  var patterns: [String] {
    guard pattern == ResourcePath.base || pattern.hasPrefix(ResourcePath.base + "/") else { return [pattern] }
    return [pattern, "\(ResourcePath.base)/v2\(pattern.dropFirst(ResourcePath.base.count))"]
  }
}
