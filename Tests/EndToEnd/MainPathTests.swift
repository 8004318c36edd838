import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The main path")
  struct MainPath {
    @Test("A pushed user gets a mail, signs in, and becomes a visible member")
    func mainPath() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let (anaEmail, benEmail) = ("ana@\(workspace.slug).example", "ben@\(workspace.slug).example")

      // Okta's requests: look-up, creation, profile update.
      let lookUp = try await idp.find(userName: anaEmail)
      #expect(lookUp.status == 200)
      #expect(lookUp.json["totalResults"] as? Int == 0)
      let ana = try await idp.create(anaEmail, givenName: "Ana")
      let ben = try await idp.create(benEmail, givenName: "Ben")
      let found = try await idp.find(userName: anaEmail.uppercased())
      #expect(found.json["totalResults"] as? Int == 1)
      let update = try await idp.send(
        "PUT", "/Users/\(ana)", body: IdentityProvider.oktaUser(anaEmail, givenName: "Anna"))
      #expect(update.status == 200)
      #expect((update.json["name"] as? [String: Any])?["givenName"] as? String == "Anna")

      // Okta pushes a group without members first, then with both.
      let created = try await idp.send(
        "POST", "/Groups",
        body: #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Data team","members":[]}"#)
      #expect(created.status == 201)
      let group = try #require(created.json["id"] as? String)
      let pushed = try await idp.send(
        "PUT", "/Groups/\(group)",
        body: """
          {"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"\(group)","displayName":"Data team",
           "members":[{"value":"\(ana)","display":"\(anaEmail)"},{"value":"\(ben)","display":"\(benEmail)"}]}
          """)
      #expect(pushed.status == 200)
      let read = try await idp.send("GET", "/Groups/\(group)")
      #expect(Set((read.json["members"] as? [[String: Any]] ?? []).compactMap { $0["value"] as? String }) == [ana, ben])

      // Each user gets one mail, with text and HTML.
      for email in [anaEmail, benEmail] {
        try await eventually("the invitation of \(email)") { try await deployment.mails(to: email).count == 1 }
      }
      let mail = try #require(try await deployment.mails(to: anaEmail).first)
      #expect(mail["Message-ID"]?.isEmpty == false)
      #expect(mail["Subject"]?.contains("invited") == true)
      #expect(mail.contentType == "multipart/alternative")
      #expect(mail.defects.isEmpty)
      for part in [mail.text, mail.html] {
        #expect(part?.contains("https://\(workspace.slug).example/sign-in") == true)
      }

      // Members become visible at their first sign-in.
      #expect(try await workspace.scimctl(["user", "list", "--state", "invited"]).contains(anaEmail))
      #expect(try await workspace.visibleMembers(of: "Data team").isEmpty)
      try await workspace.scimctl(["sign-in", anaEmail])
      try await eventually("Ana in the product's group") { try await workspace.visibleMembers(of: "Data team") == [anaEmail] }
      #expect(try await !workspace.scimctl(["user", "list", "--state", "invited"]).contains(anaEmail))

      // Deactivation hides the member, and keeps the membership for the reactivation.
      let deactivation = """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}
        """
      #expect([200, 204].contains(try await idp.send("PATCH", "/Users/\(ana)", body: deactivation).status))
      try await eventually("Ana out of the product's group") { try await workspace.visibleMembers(of: "Data team").isEmpty }
      let reactivation = deactivation.replacingOccurrences(of: "false", with: "true")
      #expect([200, 204].contains(try await idp.send("PATCH", "/Users/\(ana)", body: reactivation).status))
      try await eventually("Ana back in the product's group") { try await workspace.visibleMembers(of: "Data team") == [anaEmail] }
    }

    @Test("A user who signed in before provisioning starts active and is not invited")
    func justInTime() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let email = "jit@\(workspace.slug).example"
      try await workspace.scimctl(["sign-in", email])
      // When a later sign-in of a known user has taken effect, this one is stored.
      let other = "other@\(workspace.slug).example"
      _ = try await workspace.identityProvider.create(other)
      try await eventually("the other user's activation") {
        try await workspace.scimctl(["sign-in", other])
        return try await workspace.scimctl(["user", "list", "--state", "active"]).contains(other)
      }
      try await eventually("the user to start active") {
        _ = try await workspace.identityProvider.create(email)
        let active = try await workspace.scimctl(["user", "list", "--state", "active"]).contains(email)
        if !active { try await workspace.identityProvider.deleteUsers(named: email) }
        return active
      }
    }
  }
}
