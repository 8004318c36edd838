import HTTPTypes
import Hummingbird

/// `/Me`, the resource of whoever calls (RFC 7644 §3.11). An API access token is no user's, for which the RFC has 501.
struct CurrentUser: Sendable {
  var all: [Endpoint] {
    [HTTPRequest.Method.get, .post, .put, .patch, .delete].map { method in
      Endpoint(method, "\(ResourcePath.base)/Me") { _, _ in throw APIError.noCurrentUser() }
    }
  }
}

extension APIError {
  fileprivate static func noCurrentUser() -> APIError {
    APIError(
      501,
      "/Me stands for the user who calls, and an API access token is no user's. Look the user up instead: /Users?filter=userName eq \"…\".")
  }
}
