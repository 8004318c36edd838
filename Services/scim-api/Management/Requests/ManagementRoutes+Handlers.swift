import EdgeHTTP
import Hummingbird
import Models

extension RouterGroup<CallerContext> {
  /// Adds a route for GET and HEAD that reads its query parameters.
  func read(
    _ path: RouterPath, use handler: @escaping @Sendable (QueryParameters, CallerContext) async throws -> Response
  ) {
    getAndHead(path) { request, context in try await handler(try QueryParameters(request.uri.query), context) }
  }

  /// Adds a route for POST.
  func action(_ path: RouterPath, use handler: @escaping @Sendable (Request, CallerContext) async throws -> Response) {
    on(path, method: .post, use: handler)
  }
}

extension CallerContext {
  /// The id in the path.
  ///
  /// - Parameter name: what the id is of, for the error.
  /// - Throws: 404 if it is not an id.
  func id<Subject>(of name: String, _: Identifier<Subject>.Type = Identifier<Subject>.self) throws -> Identifier<Subject> {
    let text = parameters.get(ResourcePath.id) ?? ""
    guard let id = Identifier<Subject>(text) else { throw ProblemDetails.unknown(name, text) }
    return id
  }
}

extension ProblemDetails {
  /// 404 for an id that does not exist in the workspace.
  static func unknown(_ name: String, _ id: String) -> ProblemDetails {
    ProblemDetails(404, .unknownResource, "There is no \(name) '\(id.prefix(100))' here. The list without the id has those that exist.")
  }
}

extension ProblemDetails.Kind {
  /// Nothing has the id of the path.
  static let unknownResource = Self(name: "unknown-resource", title: "The resource does not exist")
}
