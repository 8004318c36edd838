import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The console: groups and the connection")
  struct ConsoleGroups {
    @Test("A group's member is pending, and visible after the first sign-in")
    func statuses() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace()
      let admin = try await ConsoleAdmin.signedIn(to: workspace)
      let idp = workspace.identityProvider
      #expect(try await admin.open("/console/groups").text.contains("No groups yet"))
      let emails = ["ana", "ben"].map { "\($0)@\(workspace.slug).example" }
      let ids = [try await idp.create(emails[0]), try await idp.create(emails[1])]
      let group = try await idp.createGroup("Data <b>team</b>", members: ids)
      try await eventually("both members to be pending") {
        try await admin.open("/console/groups/\(group)").text.contains(#"Pending <span class="count">2</span>"#)
      }
      let list = try await admin.open("/console/groups?q=data").text
      #expect(list.contains("Data &lt;b&gt;team&lt;/b&gt;") && !list.contains("<b>team"))
      let pending = try await admin.open("/console/groups/\(group)?state=pending").text
      #expect(emails.allSatisfy(pending.contains) && pending.contains("has not signed in yet"))

      try await workspace.scimctl(["sign-in", emails[0]])
      try await eventually("Ana to be visible") {
        try await admin.open("/console/groups/\(group)").text.contains("/console/members/\(ids[0])\"")
      }
      #expect(try await admin.open("/console/groups/\(group)?state=pending").text.contains(emails[0]) == false)
      try await idp.setActive(false, ids[1])
      try await eventually("Ben to be held") {
        try await admin.open("/console/groups/\(group)?state=held").text.contains("/console/members/\(ids[1])\"")
      }

      // Admins of other workspaces do not see the group.
      let other = try await ConsoleAdmin.signedIn(to: suite.workspace())
      #expect(try await other.open("/console/groups").text.contains("No groups yet"))
      #expect(try await other.open("/console/groups/\(group)").status == 404)
      #expect(try await idp.send("DELETE", "/Groups/\(group)").status == 204)
      #expect(try await admin.open("/console/groups/\(group)").status == 404)
    }

    @Test("SCIM is enabled in the console, and the first test of the connection appears within seconds")
    func connection() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace(settings: ["--plan", "enterprise", "--saml-sso"])
      let admin = try await ConsoleAdmin.signedIn(to: workspace)
      let page = try await admin.open("/console/settings/scim")
      #expect(page.status == 200)
      #expect(page.text.contains("Waiting for the first request") && page.text.contains("Enable SCIM"))
      #expect(page.text.contains("\(workspace.identityProvider.baseURL)/"))

      let okta = IdentityProvider(
        baseURL: workspace.identityProvider.baseURL, token: workspace.identityProvider.token, userAgent: "Okta SCIM Client 1.0.0")
      #expect(try await okta.send("GET", "/Users?startIndex=1&count=2").status == 403)
      try await eventually("the rejection to be shown with its reason", within: .seconds(10)) {
        let text = try await admin.open("/console/settings/scim").text
        return text.contains("<strong>Rejected:</strong> GET /Users from Okta")
          && text.contains("SCIM is not switched on for the workspace")
      }

      let done = try await admin.submit("/console/settings/scim/opt-in", ["scim": "on"], of: page).text
      #expect(done.contains("SCIM is enabled for this workspace") && done.contains("badge good\">enabled"), "\(done)")
      // The old page has an outdated version.
      let late = try await admin.submit("/console/settings/scim/roles", ["customRoles": "Analyst", "defaultRole": "viewer"], of: page).text
      #expect(late.contains("Somebody else has changed the settings"), "\(late)")
      try await eventually("SCIM to be enabled") { try await okta.send("GET", "/Users?startIndex=1&count=2").status == 200 }
      let start = ContinuousClock.now
      try await eventually("the request to be shown", within: .seconds(10)) {
        try await admin.open("/console/settings/scim").text.contains("<strong>Received:</strong> GET /Users from Okta")
      }
      print("the first read was shown after \(ContinuousClock.now - start)")

      let present = try await admin.open("/console/settings/scim")
      let roles = try await admin.submit("/console/settings/scim/roles", ["customRoles": "Analyst", "defaultRole": "viewer"], of: present)
        .text
      #expect(roles.contains("The roles are changed"))
      try await eventually("a user with the new role") {
        let body = #"{"userName":"role@\#(workspace.slug).example","secodaRole":"analyst"}"#
        return [201, 409].contains(try await okta.send("POST", "/Users", body: body).status)
      }
      let used = try await admin.open("/console/settings/scim")
      let refused = try await admin.submit("/console/settings/scim/roles", ["customRoles": "", "defaultRole": "viewer"], of: used).text
      #expect(refused.contains("is in use"), "\(refused)")

      // A revoked token is distinguished from an unknown one.
      let id = try #require(
        try await workspace.scimctl(["token", "list"]).split(separator: "\n").first { $0.hasSuffix("identity provider") }?
          .split(separator: " ").first.map(String.init))
      try await workspace.scimctl(["token", "revoke", id])
      try await eventually("the revocation") { try await okta.send("GET", "/Users").status == 401 }
      try await eventually("the rejection of the revoked token to be shown", within: .seconds(10)) {
        try await admin.open("/console/settings/scim").text.contains("was revoked on")
      }
    }
  }
}
