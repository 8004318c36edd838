import EdgeHTTP
import EdgeReads
import Foundation
import Models
import SCIM

extension SignIn {
  /// How far in the future a sign-in may be, in seconds, to tolerate clock differences.
  private static let clockTolerance: TimeInterval = 300

  /// Parses the body of a request: `email` or `user`, and optionally `signedInAt` and `method`.
  ///
  /// - Throws: 400 that names the member, the expected value and the actual value.
  init(_ body: JSON, in workspace: WorkspaceID, at now: Date) throws(APIError) {
    let body = try EventBody(body, with: "'email' or 'user'")
    let email = try body.address("email")
    var user: UserID?
    if let text = try body.text("user") {
      guard let id = UserID(text) else { throw APIError(400, .invalidValue, "user must be the id of a user, found '\(text.prefix(100))'.") }
      user = id
    }
    guard email != nil || user != nil else {
      throw APIError(400, .invalidValue, "The body names nobody. Send 'email' with the person's address, or 'user' with their id.")
    }
    self.init(
      workspace: workspace, email: email, user: user,
      signedInAt: try body.time("signedInAt", at: now, tolerance: Self.clockTolerance),
      method: try body.text("method").map { $0.truncated(to: 100) })
  }
}
