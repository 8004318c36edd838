import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird

/// `/Me`, the resource of the caller (RFC 7644 §3.11). An API access token belongs to no user, for which the RFC has 501.
struct CurrentUserController: Sendable {
  func addRoutes(to group: RouterGroup<CallerContext>) {
    for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete] {
      group.on("Me", method: method) { _, _ -> Response in throw APIError.noCurrentUser() }
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
