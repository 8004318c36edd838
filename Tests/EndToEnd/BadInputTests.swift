import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Bad input")
  struct BadInput {
    /// A request that must be rejected, with the expected error.
    struct Case: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var method = "POST"
      var path = "/Users"
      var body: String? = nil
      var contentType = "application/scim+json"
      var status: Int
      var scimType: String? = nil
      /// What the detail must contain.
      var mentions: String
    }

    static let cases = [
      Case(testDescription: "malformed JSON", body: #"{"userName": "#, status: 400, scimType: "invalidSyntax", mentions: "JSON"),
      Case(
        testDescription: "a missing userName", body: #"{"displayName":"X"}"#, status: 400, scimType: "invalidValue", mentions: "userName"),
      Case(testDescription: "an empty userName", body: #"{"userName":""}"#, status: 400, scimType: "invalidValue", mentions: "userName"),
      Case(
        testDescription: "an unknown role", body: #"{"userName":"x@example.com","secodaRole":"emperor"}"#, status: 400,
        scimType: "invalidValue", mentions: "viewer"),
      Case(
        testDescription: "an unknown id", method: "PUT", path: "/Users/6b1f7e0c-0000-4000-8000-000000000000",
        body: #"{"userName":"x@example.com"}"#, status: 404, mentions: "unassign"),
      Case(
        testDescription: "a malformed id", method: "GET", path: "/Users/42", status: 404, mentions: "User not found"),
      Case(
        testDescription: "a wrong content type", body: "<user/>", contentType: "text/xml", status: 415, mentions: "application/scim+json"),
      Case(
        testDescription: "a malformed filter", method: "GET", path: "/Users?filter=userName%20eq", status: 400, scimType: "invalidFilter",
        mentions: "filter"),
      Case(testDescription: "an unknown endpoint", method: "GET", path: "/Robots", status: 404, mentions: "/Robots"),
      Case(
        testDescription: "a group member who does not exist", path: "/Groups",
        body: #"{"displayName":"Ghosts","members":[{"value":"6b1f7e0c-0000-4000-8000-000000000000"}]}"#, status: 400,
        scimType: "invalidValue", mentions: "6b1f7e0c"),
      Case(
        testDescription: "a body over the limit", body: #"{"userName":"\#(String(repeating: "x", count: 9 << 20))"}"#, status: 413,
        mentions: "8"),
    ]

    @Test("Invalid requests are rejected with a SCIM error that says what to do", arguments: cases)
    func rejected(_ request: Case) async throws {
      let deployment = try await Deployment.shared()
      let idp = try await deployment.workspace().identityProvider
      let answer = try await idp.send(request.method, request.path, body: request.body, contentType: request.contentType)
      #expect(answer.status == request.status, "\(answer.text)")
      #expect(answer.headers["content-type"]?.hasPrefix("application/scim+json") == true)
      #expect(answer.json["schemas"] as? [String] == ["urn:ietf:params:scim:api:messages:2.0:Error"])
      #expect(answer.json["status"] as? String == String(request.status))
      #expect(answer.json["scimType"] as? String == request.scimType)
      #expect((answer.json["detail"] as? String)?.contains(request.mentions) == true, "\(answer.text)")
      let users = try await idp.send("GET", "/Users")
      #expect(users.json["totalResults"] as? Int == 0)
    }

    @Test("A duplicate userName in another case is rejected with 409 and scimType uniqueness")
    func duplicate() async throws {
      let idp = try await Deployment.shared().workspace().identityProvider
      _ = try await idp.create("twin@example.com")
      let answer = try await idp.send("POST", "/Users", body: IdentityProvider.oktaUser("TWIN@example.com"))
      #expect(answer.status == 409)
      #expect(answer.json["scimType"] as? String == "uniqueness")
    }

    @Test(
      "A missing or wrong token is rejected with 401, a SCIM error and a challenge",
      arguments: ["", "nonsense", "rollcall_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
    func token(_ token: String) async throws {
      let deployment = try await Deployment.shared()
      let answer = try await HTTP.send(
        "GET", deployment.scimURL + "/Users", headers: token.isEmpty ? [:] : ["Authorization": "Bearer \(token)"])
      #expect(answer.status == 401)
      #expect(answer.json["status"] as? String == "401")
      #expect(answer.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
    }

    @Test(
      "The error for a workspace that cannot use SCIM names the missing requirement",
      arguments: [
        (["--plan", "team", "--saml-sso", "--scim"], "plan"), (["--plan", "enterprise", "--scim"], "SAML"),
        (["--plan", "enterprise", "--saml-sso"], "SCIM"),
      ])
    func eligibility(settings: [String], mentions: String) async throws {
      let idp = try await Deployment.shared().workspace(settings: settings).identityProvider
      let answer = try await idp.send("GET", "/Users")
      #expect(answer.status == 403)
      #expect((answer.json["detail"] as? String)?.contains(mentions) == true, "\(answer.text)")
    }
  }
}
