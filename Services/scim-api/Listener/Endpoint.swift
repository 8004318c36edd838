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

  /// Has `router` answer it, for whoever `door` lets in.
  func add(to router: Router<EdgeContext>, behind door: some RouterMiddleware<EdgeContext>) {
    let group = router.group().add(middleware: door).group(context: CallerContext.self)
    for pattern in patterns {
      for method in method == .get ? [.get, .head] : [method] {
        group.on(RouterPath(pattern), method: method) { [scope, handle] request, context in
          if scope == .scim { try MediaType.check(accept: request.headers[.accept]) }
          return try await handle(request, context)
        }
      }
    }
  }
}
