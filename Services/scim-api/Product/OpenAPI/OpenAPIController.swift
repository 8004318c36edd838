import Crypto
import EdgeHTTP
import HTTPTypes
import Hummingbird
import NIOCore
import Primitives

/// `GET /api/openapi.json`: the OpenAPI document of the service, for everybody.
package struct OpenAPIController: Sendable {
  /// The path of the document.
  package static let path = "/api/openapi.json"

  private static let body = ByteBuffer(string: OpenAPIDocument.json)
  /// The entity tag: the hash of the document.
  private static let tag = "\"\(Hex.encode(SHA256.hash(data: Array(OpenAPIDocument.json.utf8)).prefix(8)))\""

  /// Creates a controller.
  package init() {}

  /// Adds the route, which does not require an access token.
  package func addRoutes(to router: Router<EdgeContext>) {
    router.getAndHead(RouterPath(Self.path), use: document)
  }

  /// The document, or 304 if `If-None-Match` has its tag.
  @Sendable private func document(_ request: Request, _: EdgeContext) async throws -> Response {
    let headers: HTTPFields = [.eTag: Self.tag, .cacheControl: "public, max-age=3600"]
    guard !Self.isKnown(to: request) else { return Response(status: .notModified, headers: headers) }
    return .json(.ok, Self.body, mediaType: MediaType.json, headers: headers)
  }

  private static func isKnown(to request: Request) -> Bool {
    guard let header = request.headers[.ifNoneMatch] else { return false }
    let tags = header.split(separator: ",").map { part in part.filter { !$0.isWhitespace } }
    // A proxy that compresses responses makes the tag weak (RFC 9110 §8.8.1).
    return tags.contains { $0 == "*" || $0 == tag || $0 == "W/\(tag)" }
  }
}
