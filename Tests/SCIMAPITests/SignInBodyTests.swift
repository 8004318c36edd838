import Foundation
import Models
import SCIM
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Sign-in bodies")
struct SignInBodyTests {
  private static let now = Date(timeIntervalSince1970: 1_767_225_600)
  private static let workspace = WorkspaceID.made(at: now)

  @Test("identify a user by email or id; the time is now by default")
  func read() throws {
    let user = UserID.made(at: Self.now)
    #expect(try signIn(#"{"email":"Ana@example.com"}"#) == expected(email: "Ana@example.com"))
    #expect(try signIn(#"{"user":"\#(user)","email":null,"method":"saml"}"#) == expected(user: user, method: "saml"))
    #expect(
      try signIn(#"{"email":"ana@example.com","signedInAt":"2025-12-31T23:00:00Z"}"#)
        == expected(email: "ana@example.com", at: Self.now - 3600))
    // A time slightly in the future is accepted, and replaced by the current time.
    #expect(try signIn(#"{"email":"ana@example.com","signedInAt":"2026-01-01T00:01:00Z"}"#) == expected(email: "ana@example.com"))
  }

  @Test(
    "are rejected without a user or with invalid values",
    arguments: [
      ("[]", "object"), ("{}", "names nobody"), (#"{"email":""}"#, "names nobody"), (#"{"email":"ana"}"#, "address"),
      (#"{"user":"42"}"#, "id of a user"), (#"{"email":7}"#, "string"), (#"{"email":"a@b","signedInAt":"yesterday"}"#, "signedInAt"),
      (#"{"email":"a@b","signedInAt":"2027-01-01T00:00:00Z"}"#, "future"),
    ])
  func refused(body: String, mention: String) {
    let refusal = #expect(throws: APIError.self) { try signIn(body) }
    #expect(refusal?.error.status == 400)
    #expect(refusal?.error.detail.contains(mention) == true, "\(refusal?.error.detail ?? "")")
  }

  private func signIn(_ body: String) throws -> SignIn {
    try SignIn(try JSON(parsing: body), in: Self.workspace, at: Self.now)
  }

  private func expected(email: String? = nil, user: UserID? = nil, at time: Date = now, method: String? = nil) -> SignIn {
    SignIn(workspace: Self.workspace, email: email, user: user, signedInAt: time, method: method)
  }
}
