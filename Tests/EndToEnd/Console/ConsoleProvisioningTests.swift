import Foundation
import FoundationNetworking
import Logging
import Postgres
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The console: provisioning")
  struct ConsoleProvisioning {
    /// The ids of the log entries that a page links to.
    private static func entries(in page: String) -> [String] {
      page.components(separatedBy: "/console/provisioning/entries/").dropFirst().map { String($0.prefix { $0 != "\"" && $0 != "/" }) }
    }

    @Test("A failed push is explained, sent again after the cause is fixed, and counted, only in its own workspace")
    func replay() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace()
      let browser = try await ConsoleAdmin.signedIn(to: workspace)
      #expect(try await browser.open("/console/provisioning").text.contains("Nothing has been pushed yet"))
      #expect(try await browser.open("/console/provisioning/health").text.contains("No requests yet"))
      let provider = IdentityProvider(
        baseURL: suite.scimURL, token: workspace.identityProvider.token, userAgent: "Okta SCIM Client 1.0.0")
      let email = "again@\(workspace.slug).example"
      let created = try await provider.send("POST", "/Users", body: IdentityProvider.oktaUser(email))
      let id = try #require(created.json["id"] as? String)
      #expect(try await provider.send("POST", "/Users", body: IdentityProvider.oktaUser(email)).status == 409)

      var failed: [String] = []
      try await eventually("the failure in the log") {
        failed = Self.entries(in: try await browser.open("/console/provisioning?failed=1&who=\(email)").text)
        return failed.count == 1
      }
      let entry = "/console/provisioning/entries/\(failed[0])"
      let page = try await browser.open(entry)
      #expect(page.status == 200)
      for words in ["Why it failed: The userName is taken", "What to do", "Assign to People", "409 Rejected", "&quot;userName&quot;"] {
        #expect(page.text.contains(words), "\(words) in \(page.text)")
      }
      #expect(!page.text.contains("1mz050nq"), "the junk password is nowhere")

      // The cause still exists: the request is rejected again, with its own entry.
      let refused = try await browser.press("\(entry)/replay", on: entry)
      #expect(refused.contains(#"<p class="notice bad" role="alert">The request was sent again and rejected with 409"#), "\(refused.text)")
      let second = refused.path
      #expect(second != entry && second.hasPrefix("/console/provisioning/entries/"))
      try await eventually("the entry of the rejected repetition") { try await browser.open(second).text.contains("409 Rejected") }
      // After the fix it succeeds.
      #expect(try await provider.send("DELETE", "/Users/\(id)").status == 204)
      let sent = try await browser.press("\(entry)/replay", on: entry)
      #expect(sent.contains(#"<p class="notice good" role="status">The request was sent again and answered with 201"#), "\(sent.text)")
      let third = sent.path
      try await eventually("the entry of the repetition") { try await browser.open(third).text.contains("201 Done") }
      let repetition = try await browser.open(third).text
      #expect(repetition.contains("repeats an earlier request") && repetition.contains(entry))
      #expect(try await provider.find(userName: email).json["totalResults"] as? Int == 1)

      // The health page counts the requests of the identity provider: creation, failure and deletion.
      try await eventually("the failure in the page on health") {
        let health = try await browser.open("/console/provisioning/health").text
        return health.contains("/console/provisioning?cause=userNameTaken") && health.contains("3, 1 failed")
      }
      let health = try await browser.open("/console/provisioning/health").text
      #expect(health.contains("<th scope=\"row\">Okta<span class=\"faint\">identity provider</span></th>"), "\(health)")

      // A wrong form token, and an admin of another workspace.
      #expect(try await browser.submit("\(entry)/replay", token: "x").status == 403)
      #expect(try await browser.submit("\(entry)/replay", token: "").status == 403)
      let other = try await ConsoleAdmin.signedIn(to: try await suite.workspace())
      #expect(try await other.open(entry).status == 404)
      #expect(try await other.open("/console/provisioning?who=\(email)").text.contains("Nothing matches"))
      #expect(try await browser.open("/console/provisioning/entries/nonsense").status == 404)
      #expect(try await browser.open("/console/provisioning?after=nonsense").status == 400)
      #expect(try await browser.open("/console/provisioning?time=dates&from=x").status == 422)
    }

    @Test("Held changes are approved and rejected, and markup in names is escaped")
    func held() async throws {
      let workspace = try await Deployment.shared().workspace()
      try await workspace.scimctl([
        "workspace", "guard", "set", workspace.slug, "--shrink", "50", "--from-members", "3", "--deactivations", "0", "--notify",
        "admin@acme.example",
      ])
      let provider = workspace.identityProvider
      var ids: [String] = []
      for number in 0..<4 {
        ids.append(try await provider.create("held-\(number)@\(workspace.slug).example"))
      }
      func group(_ members: [String]) -> String {
        let members = members.map { #"{"value":"\#($0)"}"# }.joined(separator: ",")
        return #"{"displayName":"<img src=x onerror=alert(1)>","members":[\#(members)]}"#
      }
      let id = try #require(try await provider.send("POST", "/Groups", body: group(ids)).json["id"] as? String)
      #expect(try await provider.send("PUT", "/Groups/\(id)", body: group([ids[0]])).status == 200)
      #expect(try await provider.send("DELETE", "/Users/\(ids[1])").status == 204)

      let browser = try await ConsoleAdmin.signedIn(to: workspace)
      let path = "/console/provisioning/held"
      let page = try await browser.open(path)
      #expect(page.text.contains("3 of 4 members would leave the group"))
      #expect(page.text.contains("held-2@\(workspace.slug).example"))
      #expect(page.text.contains("The person would be deleted"))
      #expect(page.text.contains("&lt;img src=x onerror=alert(1)&gt;") && !page.text.contains("<img"))
      #expect(try await browser.open("/console/provisioning").text.contains("<span class=\"count\">2<span"))
      let actions = page.text.components(separatedBy: "action=\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
        .filter { $0.hasPrefix(path) }
      // Newest first: the deletion, then the group.
      #expect(actions.count == 4)
      #expect(try await browser.press(actions[1], on: path).status == 200)
      #expect(try await browser.press(actions[2], on: path).status == 200)
      let decided = try await browser.open(path).text
      #expect(decided.contains("No held changes") && decided.contains("Approved") && decided.contains("Rejected"))
      #expect(try await provider.send("GET", "/Users/\(ids[1])").status == 200)
      let left = try await provider.send("GET", "/Groups/\(id)").json["members"] as? [[String: Any]]
      #expect(left?.compactMap { $0["value"] as? String } == [ids[0]])
      // Admins of other workspaces have no such change.
      let other = try await ConsoleAdmin.signedIn(to: try await Deployment.shared().workspace())
      #expect(try await other.open(path).text.contains("No rules are set"))
    }

    @Test("Users that were not pushed for a long time are listed until they are pushed again")
    func drift() async throws {
      let suite = try await Deployment.shared()
      let workspace = try await suite.workspace()
      let browser = try await ConsoleAdmin.signedIn(to: workspace)
      let email = "old@\(workspace.slug).example"
      let id = try await workspace.identityProvider.create(email)
      let path = "/console/provisioning/drift?days=30"
      #expect(try await browser.open(path).text.contains("No people found"))
      let pool = PostgresPool(
        PostgresConfiguration(url: suite.databaseURL, connections: 1, applicationName: "EndToEnd"),
        logger: Logger(label: "end-to-end") { _ in SwiftLogNoOpLogHandler() })
      _ = try await pool.query(
        Statement(
          once: "age",
          """
          update identity.pushes p set pushed_on = pushed_on - 40
          from identity.workspaces w
          where w.id = p.workspace_id and w.slug = $1
          """), [.text(workspace.slug)])
      await pool.close()
      let page = try await browser.open(path).text
      #expect(page.contains(email) && page.contains("40 days ago") && page.contains("/console/members/\(id)"))
      #expect(try await browser.open("/console/provisioning/drift?days=60").text.contains("No people found"))
      // A push without changes counts.
      #expect(
        try await workspace.identityProvider.send("PUT", "/Users/\(id)", body: IdentityProvider.oktaUser(email)).status == 200)
      #expect(try await browser.open(path).text.contains("No people found"))
      #expect(try await browser.open("/console/provisioning/drift?days=none").status == 422)
    }
  }
}
