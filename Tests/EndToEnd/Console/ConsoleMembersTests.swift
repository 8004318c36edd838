import Foundation
import Models
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The console: members")
  struct ConsoleMembers {
    @Test("An admin resends and revokes an invitation, and sees the person sign in, get disabled and get deleted")
    func story() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace()
      let browser = try await ConsoleAdmin.signedIn(to: workspace)
      let empty = try await browser.open("/console")
      #expect(empty.status == 200)
      #expect(empty.contains("No members yet"))

      let email = "ana@\(workspace.slug).example"
      let id = try await workspace.identityProvider.create(email, givenName: "Ana")
      let page = "/console/members/\(id)"
      try await eventually("the invitation to be on record as sent") {
        try await browser.open("/console/members?state=invited").contains(">Sent<")
      }
      #expect(try await suite.mails(to: email).count == 1)
      #expect(try await browser.open("/console/members?state=invited").contains(email))
      #expect(try await !browser.open("/console/members").contains(email))
      for text in ["ana%20si", "SILVA", "ana@"] {
        #expect(try await browser.open("/console/members?q=\(text)").contains(email), "\(text)")
      }
      #expect(try await !browser.open("/console/members?q=silva&state=active").contains(email))
      // The link is the same as in the mail.
      let link = "https://\(workspace.slug).example/sign-in"
      #expect(try await suite.mails(to: email).first?.text?.contains(link) == true)
      #expect(try await browser.open(page).contains("<code id=\"sign-in-link\">\(link)</code>"))

      let resent = try await browser.submit("\(page)/resend", ["back": "list"])
      #expect(resent.status == 200)
      #expect(resent.path == "/console/members?state=invited")
      #expect(resent.contains("The invitation of Ana Silva is on its way again."))
      try await eventually("the other mail") { try await suite.mails(to: email).count == 2 }
      try await eventually("both to be on the page") {
        let shown = try await browser.open(page)
        return shown.contains("Earlier invitations") && shown.contains("Console sent another one") && shown.contains(">Sent<")
      }

      // A wrong form token is rejected.
      #expect(try await browser.submit("\(page)/revoke", token: "forged").status == 403)
      let revoked = try await browser.submit("\(page)/revoke")
      #expect(revoked.status == 200)
      #expect(revoked.contains("they get no more mail"))
      try await eventually("the revocation") { try await browser.open(page).contains("Console revoked it") }
      #expect(try await workspace.scimctl(["audit", "list"]).contains("order-invitation"))

      try await workspace.scimctl(["sign-in", email])
      try await eventually("the person to be active") { try await browser.open("/console/members").contains(email) }
      let refused = try await browser.submit("\(page)/resend")
      #expect(refused.status == 400)
      #expect(refused.contains("only someone who is invited gets an invitation"))
      try await eventually("a later sign-in to be seen") {
        try await workspace.scimctl(["sign-in", email])
        return try await browser.open(page).contains("Most recent sign-in")
      }
      let active = try await browser.open(page)
      for text in ["Signed in for the first time", "added them", "/console/provisioning/entries/", "Last signed in", "As JSON"] {
        #expect(active.contains(text), "\(text)")
      }

      let deactivation = """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":false}}]}
        """
      _ = try await workspace.identityProvider.send("PATCH", "/Users/\(id)", body: deactivation)
      try await eventually("the receipt") { try await browser.open(page).contains("Access ended: disabled") }
      #expect(try await browser.open("/console/members?state=disabled").contains(email))
      _ = try await workspace.identityProvider.send("DELETE", "/Users/\(id)")
      let deleted = try await browser.open(page)
      #expect(deleted.status == 410)
      #expect(deleted.contains("Deleted member"))
      #expect(!deleted.contains("Ana"))
      try await eventually("the receipt of the deletion") { try await browser.open(page).contains("Access ended: deleted") }
      #expect(try await !browser.open("/console/members?q=ana").contains(email))
    }

    @Test("Admins of other workspaces cannot see members or resend their invitations")
    func isolation() async throws {
      let suite = try await Deployment.shared()
      let (victim, other) = (try await suite.workspace(), try await suite.workspace())
      let email = "ben@\(victim.slug).example"
      let id = try await victim.identityProvider.create(email, givenName: "Ben")
      try await eventually("the invitation") { try await suite.mails(to: email).count == 1 }
      let intruder = try await ConsoleAdmin.signedIn(to: other)
      for path in ["/console/members/\(id)", "/console/members/\(UserID.made(at: Date()))", "/console/members/nonsense"] {
        let answer = try await intruder.open(path)
        #expect(answer.status == 404, "\(path)")
        #expect(!answer.contains(email))
      }
      for action in ["resend", "revoke"] {
        #expect(try await intruder.submit("/console/members/\(id)/\(action)").status == 404, "\(action)")
      }
      #expect(try await !intruder.open("/console/members?q=ben").contains(email))
      // A cursor is valid only in its own workspace.
      let owner = try await ConsoleAdmin.signedIn(to: victim)
      for number in 0..<51 { _ = try await victim.identityProvider.create("p\(number)@\(victim.slug).example", givenName: "P\(number)") }
      let first = try await owner.open("/console/members?state=invited")
      let next = try #require(first.text.firstMatch(of: /rel="next" href="([^"]+)"/)).1.replacingOccurrences(of: "&amp;", with: "&")
      #expect(try await owner.open(next).status == 200)
      #expect(try await intruder.open(next).status == 400)
      #expect(try await owner.open("/console/members/\(id)").contains(">Sent<"))
      #expect(try await suite.mails(to: email).count == 1)
    }
  }
}
