import Hummingbird

/// The methods of every path, derived from a router's routes. Distinguishes 404 from 405, and is the source of `Allow`.
package struct AllowedMethods: Sendable {
  private struct Route {
    var path: [String]
    var methods: Set<HTTPRequest.Method>

    /// The number of literal segments. The router prefers the route with the most.
    var literals: Int { path.count { !$0.hasPrefix("{") } }

    func matches(_ segments: [Substring]) -> Bool {
      path.count == segments.count && zip(path, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
  }

  private var routes: [Route] = []

  /// The methods of the routes that `router` has so far.
  package init(_ router: Router<EdgeContext>) {
    var methods: [[String]: Set<HTTPRequest.Method>] = [:]
    for route in router.routes { methods[route.path.map(\.description), default: []].insert(route.method) }
    routes = methods.map { Route(path: $0, methods: $1) }
  }

  /// The methods of `path` in a fixed order, with HEAD for every GET (RFC 9110 §9.3.2) and with OPTIONS; empty for an unknown path.
  package func methods(of path: String) -> [HTTPRequest.Method] {
    let segments = path.split(separator: "/")
    guard let route = routes.filter({ $0.matches(segments) }).max(by: { $0.literals < $1.literals }) else { return [] }
    return Self.order.filter { route.methods.contains($0) || $0 == .options || $0 == .head && route.methods.contains(.get) }
  }

  private static let order: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
}

extension RouterMethods {
  /// Adds a route for GET, and the same for HEAD: ``ErrorMiddleware`` leaves the body out.
  package func getAndHead<Output: ResponseGenerator>(
    _ path: RouterPath = "", use handler: @Sendable @escaping (Request, Context) async throws -> Output
  ) {
    on(path, method: .get, use: handler)
    on(path, method: .head, use: handler)
  }
}
