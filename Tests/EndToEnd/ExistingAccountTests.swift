import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Existing accounts")
  struct ExistingAccounts {
    /// A client of the management API, for one workspace.
    private struct Admin {
      let deployment: Deployment
      let workspace: Workspace
      let token: String

      init(of workspace: Workspace) async throws {
        self.workspace = workspace
        deployment = workspace.deployment
        token = try await workspace.deployment.scimctl(
          ["token", "issue", "--deployment", "--direct", "--name", "Accounts", "--scope", "admin"]
        ).trimmingCharacters(in: .whitespacesAndNewlines)
      }

      func send(_ method: String, _ path: String, _ body: String? = nil, type: String = "application/json") async throws -> HTTPResponse {
        let url = deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/admin/workspaces/\(workspace.slug)\(path)")
        return try await HTTP.send(
          method, url, headers: ["Authorization": "Bearer \(token)", "Content-Type": type], body: body)
      }

      /// Imports a file, and waits until it is applied.
      func importAccounts(_ lines: [String]) async throws {
        let started = try await send("POST", "/accounts", lines.joined(separator: "\n"), type: "application/x-ndjson")
        #expect(started.status == 202, "\(started.text)")
        let id = try #require(started.json["id"] as? String)
        try await eventually("the import to be applied", within: .seconds(60)) {
          try await send("GET", "/accounts/imports/\(id)").json["status"] as? String == "done"
        }
      }

      func accounts(linked: Bool) async throws -> [String] {
        let page = try await send("GET", "/accounts?linked=\(linked)&limit=200")
        return (page.json["accounts"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
      }
    }

    @Test("People who have an account are linked to it when they are pushed: active at once, and without a mail; others are invited")
    func linked() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let admin = try await Admin(of: workspace)
      let domain = "\(workspace.slug).example"
      let asserted = try await admin.send("POST", "/mail-domains", #"{"domain":"\#(domain)","verification":"operator"}"#)
      #expect(asserted.status == 201 && asserted.json["status"] as? String == "verified", "\(asserted.text)")
      // Carl was pushed before the import.
      let identityProvider = workspace.identityProvider
      let carl = try await identityProvider.create("carl@\(domain)")
      try await admin.importAccounts([
        #"{"id":"a-ana","email":"Ana@\#(domain)"}"#, #"{"id":"a-carl","email":"carl@\#(domain)"}"#,
        #"{"id":"a-dora","email":"dora@\#(domain)"}"#,
      ])
      let ana = try await identityProvider.create("ana@\(domain)")
      _ = try await identityProvider.create("ben@\(domain)")
      try await eventually("the invitation of who has no account") { try await deployment.mails(to: "ben@\(domain)").count == 1 }
      let active = try await workspace.scimctl(["user", "list", "--state", "active"])
      #expect(active.contains("ana@\(domain)") && active.contains("carl@\(domain)") && !active.contains("ben@\(domain)"), "\(active)")
      // Ben's invitation came later than one of Ana's would have.
      #expect(try await deployment.mails(to: "ana@\(domain)").isEmpty)
      #expect(try await admin.accounts(linked: true) == ["a-ana", "a-carl"])
      #expect(try await admin.accounts(linked: false) == ["a-dora"])

      // The link ends with the user.
      #expect(try await admin.send("DELETE", "/accounts/links/\(carl)").status == 204)
      #expect(try await identityProvider.send("DELETE", "/Users/\(ana)").status == 204)
      #expect(try await admin.accounts(linked: true).isEmpty)
    }

    @Test("People in other domains wait for an admin, and the import says which lines conflict")
    func otherDomains() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let admin = try await Admin(of: workspace)
      let domain = "\(workspace.slug).example"
      _ = try await admin.send("POST", "/mail-domains", #"{"domain":"\#(domain)","verification":"operator"}"#)
      let url = deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/admin/workspaces/\(workspace.slug)")
      let patched = try await HTTP.send(
        "PATCH", url, headers: ["Authorization": "Bearer \(admin.token)", "Content-Type": "application/merge-patch+json"],
        body: #"{"otherDomains":"hold"}"#)
      #expect(patched.status == 200 && patched.json["otherDomains"] as? String == "hold", "\(patched.text)")
      let id = try await workspace.identityProvider.create("ben@other-\(domain)")
      let read = try await workspace.identityProvider.send("GET", "/Users/\(id)")
      #expect(read.json["active"] as? Bool == false, "\(read.text)")
      let held = try await workspace.scimctl(["held", "list"])
      let change = try #require(held.split(separator: "\n").first { $0.contains("ben@other-") }?.split(separator: " ").first, "\(held)")
      try await workspace.scimctl(["held", "approve", String(change)])
      try await eventually("the invitation of the approved person") { try await deployment.mails(to: "ben@other-\(domain)").count == 1 }

      try await admin.importAccounts([#"{"id":"1","email":"ana@\#(domain)"}"#])
      let refused = try await admin.send(
        "POST", "/accounts", "{\"id\":\"2\",\"email\":\"ANA@\(domain)\"}\n{\"id\":\"3\"}", type: "application/x-ndjson")
      #expect(refused.status == 400, "\(refused.text)")
      #expect((refused.json["errors"] as? [[String: Any]])?.compactMap { $0["line"] as? Int } == [1, 2], "\(refused.text)")
      #expect(try await admin.accounts(linked: false) == ["1"])
    }
  }
}
