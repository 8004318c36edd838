import Credentials
import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The console: webhooks, existing accounts and access")
  struct ConsoleProduct {
    @Test("An endpoint that an admin creates receives signed events; the page shows the deliveries", .timeLimit(.minutes(5)))
    func webhooks() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let admin = try await ConsoleAdmin.signedIn(to: workspace)
      let receiver = try WebhookReceiver()
      try await receiver.during {
        let path = "/console/settings/webhooks"
        let form = try await admin.open("\(path)/new")
        let seed = try #require(form.hidden("seed"), "\(form.text)")
        let invalid = try await admin.submit("\(path)/new", ["seed": seed, "url": "ftp://app.example.com"])
        #expect(invalid.status == 422 && invalid.contains("must begin with https://") && invalid.contains("ftp://app.example.com"))
        let created = try await admin.submit("\(path)/new", ["seed": seed, "url": receiver.url(), "note": "Product"])
        let shown = created.text.firstMatch(of: /whsec_[A-Za-z0-9+\/=]+/)
        let text = try #require(shown, "\(created.text)").output
        let secret = try #require(WebhookSecret(String(text)))
        let again = try await admin.submit("\(path)/new", ["seed": seed, "url": receiver.url()], of: form)
        #expect(again.status == 409 && again.contains("already submitted"))
        let link = created.text.firstMatch(of: /\/console\/settings\/webhooks\/[0-9a-f-]{36}/)
        let endpoint = String(try #require(link).output)

        _ = try await admin.open(endpoint)
        let tested = try await admin.submit("\(endpoint)/test")
        #expect(tested.status == 200 && tested.contains("A test event is on its way"), "\(tested.text)")
        try await eventually("the test event") { receiver.requests.contains { $0.type == "webhook.test" } }
        let email = "ana@\(workspace.slug).example"
        _ = try await workspace.identityProvider.create(email)
        try await eventually("the event") { receiver.requests.contains { $0.type == "member.invited" } }
        let invited = receiver.requests.first { $0.type == "member.invited" }
        let event = try #require(invited)
        #expect(event.signature == secret.signature(id: event.id, timestamp: event.timestamp, body: event.body))

        try await eventually("the delivery on the page") {
          let page = try await admin.open(endpoint)
          return page.contains("member.invited 1") && page.contains("<dt>Last delivered event</dt><dd>1</dd>")
        }
        let log = try await admin.open("\(endpoint)/deliveries").text
        let entry = log.firstMatch(of: /href="([^"]*\/delivery\?[^"]*)">member\.invited/)
        let place = String(try #require(entry, "\(log)").output.1).replacing("&amp;", with: "&")
        let delivery = try await admin.open(place)
        #expect(delivery.contains(event.id) && delivery.contains(email) && delivery.contains("HTTP 204"), "\(delivery.text)")

        _ = try await admin.open(endpoint)
        let disabled = try await admin.submit("\(endpoint)/disable")
        #expect(disabled.contains("Disabled by "), "\(disabled.text)")
        let deleted = try await admin.submit("\(endpoint)/delete")
        #expect(deleted.path == path && deleted.contains("No endpoints yet"), "\(deleted.text)")
      }
    }

    @Test("With the policy to ask, a person waits until an admin links an account, or says that it is another person's")
    func accounts() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let admin = try await ConsoleAdmin.signedIn(to: workspace)
      let idp = workspace.identityProvider
      _ = try await admin.open("/console/settings/access")
      let saved = try await admin.submit("/console/settings/access/accounts", ["accountLinking": "ask"])
      #expect(saved.status == 200 && saved.contains("The policy for existing accounts is changed"), "\(saved.text)")
      let emails = ["ana", "ben", "carl"].map { "\($0)@\(workspace.slug).example" }
      let accounts = zip(["a-ana", "a-ben", "a-carl"], emails).map { id, email in #"{"id":"\#(id)","email":"\#(email)"}"# }
      try await importAccounts(accounts, of: workspace)
      let ids = [try await idp.create(emails[0]), try await idp.create(emails[1])]
      let page = try await admin.open("/console/accounts")
      #expect(emails.allSatisfy(page.contains) && page.contains("a-ana") && page.contains("Both have the same address"), "\(page.text)")
      let wrong = try await admin.submit("/console/accounts/link", ["user": ids[0], "account": "a-nobody"])
      #expect(wrong.status == 422 && wrong.contains("has no imported account"), "\(wrong.text)")
      let linked = try await admin.submit("/console/accounts/link", ["user": ids[0], "account": "a-ana"])
      #expect(linked.status == 200 && linked.contains("is linked to the account a-ana"), "\(linked.text)")
      let declined = try await admin.submit("/console/accounts/decline", ["user": ids[1]])
      #expect(declined.status == 200 && declined.contains("is enabled without an account"), "\(declined.text)")
      #expect(!declined.contains("Who is it?"))
      try await eventually("the invitation of Ben") { try await deployment.mails(to: emails[1]).count == 1 }
      #expect(try await deployment.mails(to: emails[0]).isEmpty)
      let active = try await workspace.scimctl(["user", "list", "--state", "active"])
      #expect(active.contains(emails[0]) && !active.contains(emails[1]))
      let list = try await admin.open("/console/accounts?show=linked")
      #expect(list.contains("a-ana") && !list.contains("a-ben"), "\(list.text)")
      let unlinked = try await admin.submit("/console/accounts/unlink", ["user": ids[0]])
      #expect(unlinked.status == 200 && unlinked.contains("No linked accounts"), "\(unlinked.text)")
    }

    @Test("A mail domain is added, shown with its record, and removed; the policy for other domains needs a verified one")
    func access() async throws {
      let workspace = try await Deployment.shared().workspace()
      let admin = try await ConsoleAdmin.signedIn(to: workspace)
      let domain = "\(workspace.slug).example"
      _ = try await admin.open("/console/settings/access")
      let added = try await admin.submit("/console/settings/access/domains", ["newDomain": domain])
      #expect(added.status == 200 && added.contains("_rollcall-challenge.\(domain)"), "\(added.text)")
      let refused = try await admin.submit("/console/settings/access/other-domains", ["otherDomains": "hold"])
      #expect(refused.status == 422 && refused.contains("Verify a domain first"), "\(refused.text)")
      let held = try await admin.submit("/console/settings/access/last-admin", ["holdsLastAdmin": "on", "notify": "it@\(domain)"])
      #expect(held.status == 200 && held.contains("The rule for the last admin is changed"), "\(held.text)")
      let shown = try await workspace.scimctl(["workspace", "guard", "show", workspace.slug])
      #expect(shown.contains("it@\(domain) is notified"), "\(shown)")
      let removed = try await admin.submit("/console/settings/access/domains/remove", ["domain": domain])
      #expect(removed.status == 200 && removed.contains("There are no mail domains"), "\(removed.text)")
    }

    /// Imports accounts, and waits until they are stored.
    private func importAccounts(_ lines: [String], of workspace: Workspace) async throws {
      let token = try await workspace.adminToken(named: "Product")
      let root = workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/admin")
      let url = "\(root)/workspaces/\(workspace.slug)/accounts"
      let headers = ["Authorization": "Bearer \(token)", "Content-Type": "application/x-ndjson"]
      let started = try await HTTP.send("POST", url, headers: headers, body: lines.joined(separator: "\n"))
      let id = try #require(started.json["id"] as? String, "\(started.text)")
      try await eventually("the import to be applied") {
        try await HTTP.send("GET", "\(url)/imports/\(id)", headers: headers).json["status"] as? String == "done"
      }
    }
  }
}
