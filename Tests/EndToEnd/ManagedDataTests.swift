import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Management API: data of a workspace")
  struct ManagedData {
    /// A product with a deployment-wide token, and the paths of one workspace.
    private struct Product {
      let deployment: Deployment
      let token: String
      let slug: String

      init(of workspace: Workspace) async throws {
        deployment = workspace.deployment
        slug = workspace.slug
        token = try await deployment.scimctl(
          ["token", "issue", "--deployment", "--direct", "--name", "Product", "--scope", "admin"]
        ).trimmingCharacters(in: .whitespacesAndNewlines)
      }

      /// Sends a request about the workspace or, without `inWorkspace`, about the deployment.
      func send(
        _ method: String, _ path: String, _ body: String? = nil, inWorkspace: Bool = true, headers: [String: String] = [:]
      ) async throws -> HTTPResponse {
        var all = ["Authorization": "Bearer \(token)"].merging(headers) { $1 }
        if body != nil { all["Content-Type"] = "application/json" }
        let root = deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/admin")
        return try await HTTP.send(method, root + (inWorkspace ? "/workspaces/\(slug)" : "") + path, headers: all, body: body)
      }

      /// The items of a list.
      func items(_ path: String, _ name: String) async throws -> [[String: Any]] {
        let answer = try await send("GET", path)
        try #require(answer.status == 200, "\(path): \(answer.text)")
        return answer.json[name] as? [[String: Any]] ?? []
      }
    }

    @Test("A product follows a member and their group, and sends the invitation again")
    func members() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      let idp = workspace.identityProvider
      let ana = try await idp.create("ana@managed.example", givenName: "Ana")
      let made = try await idp.send("POST", "/Groups", body: #"{"displayName":"Managed","members":[{"value":"\#(ana)"}]}"#)
      let group = try #require(made.json["id"] as? String, "\(made.text)")
      #expect(try await product.items("/members?state=invited", "members").map { $0["id"] as? String } == [ana])
      #expect(try await product.items("/members?q=ana@", "members").count == 1)
      try await eventually("the invitation to be sent") {
        let member = try await product.send("GET", "/members/\(ana)")
        return ((member.json["invitations"] as? [[String: Any]])?.first?["state"] as? String) == "sent"
      }
      let key = ["Idempotency-Key": "\(UUID())"]
      for _ in 0..<2 { #expect(try await product.send("POST", "/members/\(ana)/invitation/resend", headers: key).status == 202) }
      try await eventually("a second invitation") {
        let invitations = try await product.send("GET", "/members/\(ana)").json["invitations"] as? [[String: Any]]
        return invitations?.count == 2 && invitations?.first?["state"] as? String == "sent"
      }
      try await eventually("the timeline of the member") {
        let kinds = try await product.items("/members/\(ana)/timeline", "events").compactMap { $0["type"] as? String }
        return Set(kinds).isSuperset(of: ["request", "invitation", "added"])
      }
      try await eventually("the directory to have the group") {
        let counts = try await product.send("GET", "/groups/\(group)").json["members"] as? [String: Any]
        return counts?["pending"] as? Int == 1
      }
      #expect(try await product.items("/groups/\(group)/members?status=pending", "members").map { $0["id"] as? String } == [ana])

      #expect(try await idp.send("DELETE", "/Users/\(ana)").status == 204)
      #expect(try await product.send("GET", "/members/\(ana)").status == 410)
      try await eventually("the receipt of the deletion") {
        try await product.items("/receipts?member=\(ana)", "receipts").first?["reason"] as? String == "deleted"
      }
      #expect(try await product.items("/audit?action=order-invitation", "entries").count == 1, "the repeated request is one command")
    }

    @Test("A failed request is found with its diagnosis, and sent again")
    func replay() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      let gone = UUID().uuidString.lowercased()
      let patch = """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}
        """
      #expect(try await workspace.identityProvider.send("PATCH", "/Users/\(gone)", body: patch).status == 404)
      var entry: String?
      try await eventually("the entry of the request") {
        entry = try await product.items("/provisioning-log?failed=true&subject=\(gone)", "entries").first?["id"] as? String
        return entry != nil
      }
      let id = try #require(entry)
      let shown = try await product.send("GET", "/provisioning-log/\(id)")
      #expect((shown.json["diagnosis"] as? [String: Any])?["cause"] as? String == "staleUser" && shown.json["canReplay"] as? Bool == true)
      let replayed = try await product.send("POST", "/provisioning-log/\(id)/replay")
      #expect(replayed.status == 200 && replayed.json["status"] as? Int == 404, "\(replayed.text)")
      let second = try #require(replayed.json["entry"] as? String)
      try await eventually("the entry of the replay") {
        try await product.send("GET", "/provisioning-log/\(second)").json["replayOf"] as? String == id
      }
      let health = try await product.send("GET", "/health")
      #expect(health.json["isOpen"] as? Bool == true && (health.json["senders"] as? [Any])?.isEmpty == false, "\(health.text)")
    }

    @Test("A product rebuilds the directory of one workspace, and checks the deployment")
    func rebuild() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      _ = try await workspace.identityProvider.create("ben@managed.example")
      let started = try await product.send("POST", "/rebuilds", #"{"invitations":"none"}"#)
      #expect(started.status == 202, "\(started.text)")
      let id = try #require(started.json["id"] as? String)
      try await eventually("the rebuild to be finished", within: .seconds(60)) {
        try await product.send("GET", "/rebuilds/\(id)").json["state"] as? String == "finished"
      }
      let health = try await product.send("GET", "/health", inWorkspace: false)
      #expect(health.status == 200 && health.json["status"] as? String == "ok", "\(health.text)")
    }

    @Test("One member or group is published again, and an unknown id is not")
    func publish() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      let user = try await workspace.identityProvider.create("published@managed.example")
      let group = try await workspace.identityProvider.send(
        "POST", "/Groups", body: #"{"displayName":"Published","members":[{"value":"\#(user)"}]}"#)
      let id = try #require(group.json["id"] as? String, "\(group.text)")
      #expect(try await product.send("POST", "/members/\(user)/publish", #"{"invitations":"none"}"#).status == 204)
      #expect(try await product.send("POST", "/groups/\(id)/publish").status == 204)
      #expect(try await product.send("POST", "/members/\(user)/publish", #"{"invitations":"some"}"#).status == 400)
      let unknown = UUID().uuidString.lowercased()
      for path in ["/members/\(unknown)/publish", "/groups/\(unknown)/publish", "/members/\(id)/publish", "/members/x/publish"] {
        #expect(try await product.send("POST", path).status == 404, "\(path)")
      }
      #expect(try await product.send("POST", "/rebuilds", inWorkspace: false).status == 204)
      // A deleted member can be published, as deleted.
      #expect(try await workspace.identityProvider.send("DELETE", "/Users/\(user)").status == 204)
      #expect(try await product.send("POST", "/members/\(user)/publish").status == 204)
    }

    @Test("Roles have the numbers of their users")
    func roles() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      _ = try await workspace.identityProvider.create("role@managed.example")
      let roles = try await product.items("/roles", "roles")
      let viewer = try #require(roles.first { $0["name"] as? String == "viewer" })
      #expect(viewer["users"] as? Int == 1 && viewer["isBuiltIn"] as? Bool == true && viewer["isDefault"] as? Bool == true, "\(roles)")
      #expect(roles.first { $0["name"] as? String == "admin" }?["users"] as? Int == 0)
      let answer = try await product.send("GET", "/roles?role=admin")
      #expect(answer.status == 400, "\(answer.text)")
    }

    @Test("A link signs a person in to the console once, and the session is listed and ended")
    func consoleLinks() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      let repeated = ["Idempotency-Key": "\(UUID())"]
      let made = try await product.send("POST", "/console/links", #"{"name":"Ana"}"#, headers: repeated)
      #expect(made.status == 201, "\(made.text)")
      let (key, url) = (try #require(made.json["key"] as? String), try #require(made.json["url"] as? String))
      let site = product.deployment.scimURL.replacingOccurrences(of: "/api/v2/scim", with: "")
      #expect(url == "\(site)/console/link?key=\(key)")
      let again = try await product.send("POST", "/console/links", #"{"name":"Ana"}"#, headers: repeated)
      #expect(again.status == 201 && again.text == made.text, "\(again.text)")

      var browser = ConsoleBrowser(at: workspace.identityProvider.baseURL)
      #expect(try await browser.submit("/console/link", [("key", key)]).status == 303)
      let sessions = try await product.items("/console/sessions", "sessions")
      #expect(sessions.map { $0["openedWith"] as? String } == ["link Ana"], "\(sessions)")
      let id = try #require(sessions.first?["id"] as? String)
      #expect(try await product.send("DELETE", "/console/sessions/\(id)").status == 204)
      #expect(try await product.items("/console/sessions", "sessions").isEmpty)
      let opened = browser
      try await eventually("the end of the session") {
        var browser = opened
        return try await browser.open("/console/settings/api").status == 303
      }

      let late = #"{"name":"Ana","expiresAt":"2999-01-31T08:00:00Z"}"#
      for body in ["{}", #"{"name":"Ana","expiresAt":"2020-01-31T08:00:00Z"}"#, late] {
        #expect(try await product.send("POST", "/console/links", body).status == 400, "\(body)")
      }
      // A token is no session.
      let token = try #require(try await product.items("/tokens", "tokens").first?["id"] as? String)
      #expect(try await product.send("DELETE", "/console/sessions/\(token)").status == 404)
    }

    @Test("Webhook endpoints of a workspace and of the deployment are created, changed and deleted")
    func webhooks() async throws {
      let workspace = try await Deployment.shared().workspace()
      let product = try await Product(of: workspace)
      for inWorkspace in [true, false] {
        let body = #"{"url":"https://hooks.product.example/rollcall","types":["member.updated"]}"#
        let created = try await product.send("POST", "/webhooks", body, inWorkspace: inWorkspace)
        #expect(created.status == 201 && (created.json["secret"] as? String)?.hasPrefix("whsec_") == true, "\(created.text)")
        let path = "/webhooks/\(try #require(created.json["id"] as? String))"
        let tag = try #require(created.headers["etag"])
        let changed = try await product.send("PATCH", path, #"{"types":null}"#, inWorkspace: inWorkspace, headers: ["If-Match": tag])
        #expect(changed.status == 200 && changed.json["types"] is NSNull, "\(changed.text)")
        #expect(try await product.send("PATCH", path, "{}", inWorkspace: inWorkspace, headers: ["If-Match": tag]).status == 412)
        let refused = try await product.send("PATCH", path, #"{"url":"ftp://hooks.product.example"}"#, inWorkspace: inWorkspace)
        #expect(refused.status == 400 && refused.headers["content-type"] == "application/problem+json", "\(refused.text)")
        #expect(try await product.send("POST", "\(path)/rotate-secret", inWorkspace: inWorkspace).status == 200)
        let disabled = try await product.send("POST", "\(path)/disable", inWorkspace: inWorkspace)
        #expect(disabled.json["state"] as? String == "disabled", "\(disabled.text)")
        #expect(try await product.send("POST", "\(path)/enable", inWorkspace: inWorkspace).json["state"] as? String == "enabled")
        #expect(try await product.send("DELETE", path, inWorkspace: inWorkspace).status == 204)
        #expect(try await product.send("GET", path, inWorkspace: inWorkspace).status == 404)
      }
    }
  }
}
