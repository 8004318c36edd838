import EdgeHTTP
import EdgeReads
import HTTPTypes
import Hummingbird

/// `/Me`, the alias of the current user (RFC 7644 §3.11). API access tokens do not belong to a user, so the response is 501.
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
      "/Me is not supported, since API access tokens belong to no user. Look up the user instead: /Users?filter=userName eq \"…\".")
  }
}
