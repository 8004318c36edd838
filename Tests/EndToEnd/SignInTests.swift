import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Sign-ins, seats and admins")
  struct SignIns {
    /// Reports sign-ins as the product does, and waits for the outcome.
    private func signIn(_ body: String, at workspace: Workspace, token: String, wait: Int = 30) async throws -> HTTPResponse {
      try await HTTP.send(
        "POST", workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/api/v2/sign-ins"),
        headers: ["Authorization": "Bearer \(token)", "Content-Type": "application/json", "Prefer": "wait=\(wait)"], body: body)
    }

    private func productToken(_ workspace: Workspace) async throws -> String {
      try await workspace.scimctl(["token", "issue", "--name", "product", "--scope", "sign-ins"])
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("A product that waits for the outcome of a sign-in learns whether the person is active, disabled or unknown")
    func outcomes() async throws {
      let workspace = try await Deployment.shared().workspace()
      let provider = workspace.identityProvider
      let token = try await productToken(workspace)
      let email = "waiting-\(workspace.slug)@example.com"
      let id = try await provider.create(email)

      let first = try await signIn(#"{"email":"\#(email)"}"#, at: workspace, token: token)
      #expect(first.status == 200)
      #expect(first.headers["preference-applied"] == "wait=20", "the deadline of a request is the longest wait")
      #expect(first.json["outcome"] as? String == "promoted")
      let user = first.json["user"] as? [String: Any]
      #expect(user?["id"] as? String == id && user?["state"] as? String == "active" && user?["userName"] as? String == email)
      #expect(try await workspace.scimctl(["user", "list", "--state", "active"]).contains(email))
      let again = try await signIn(#"{"user":"\#(id)"}"#, at: workspace, token: token)
      #expect(again.json["outcome"] as? String == "already-active")

      try await provider.setActive(false, id)
      let disabled = try await signIn(#"{"email":"\#(email)"}"#, at: workspace, token: token)
      #expect(disabled.json["outcome"] as? String == "disabled")
      #expect((disabled.json["user"] as? [String: Any])?["state"] as? String == "disabled")
      #expect((disabled.json["advice"] as? String)?.contains("Reject") == true)

      // A sign-in before provisioning is remembered, and the user starts active.
      let early = "early-\(workspace.slug)@example.com"
      let batch = try await signIn(
        #"{"signIns":[{"email":"\#(early)"},{"user":"01997b5e-0000-7000-8000-00000000000a"},{"email":"\#(email)"}]}"#, at: workspace,
        token: token)
      let results = batch.json["results"] as? [[String: Any]]
      #expect(results?.compactMap { $0["outcome"] as? String } == ["remembered", "unknown", "disabled"])
      _ = try await provider.create(early)
      #expect(try await workspace.scimctl(["user", "list", "--state", "active"]).contains(early))
    }

    @Test("While identity-store is stopped, a sign-in is accepted and processed later")
    func laterSignIn() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let token = try await productToken(workspace)
      let email = "later-\(workspace.slug)@example.com"
      _ = try await workspace.identityProvider.create(email)
      await deployment.stop("identity-store")
      let answer = try await signIn(#"{"email":"\#(email)"}"#, at: workspace, token: token, wait: 2)
      #expect(answer.status == 202)
      try await deployment.start("identity-store")
      try await eventually("the person to be active") {
        try await workspace.scimctl(["user", "list", "--state", "active"]).contains(email)
      }
    }

    @Test("A full workspace rejects further users or lets them wait, and the administrator is mailed")
    func seats() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let provider = workspace.identityProvider
      let address = "it@\(workspace.slug).example"
      try await workspace.scimctl([
        "workspace", "update", workspace.slug, "--seats", "2", "--invitations", "digest", "--digest-address", address,
      ])
      #expect(try await workspace.scimctl(["workspace", "show", workspace.slug]).contains("2, policy reject"))
      var ids: [String] = []
      for number in 0..<2 { ids.append(try await provider.create("seat-\(workspace.slug)-\(number)@example.com")) }
      let late = IdentityProvider.oktaUser("seat-\(workspace.slug)-2@example.com")
      let rejected = try await provider.send("POST", "/Users", body: late)
      #expect(rejected.status == 403)
      #expect((rejected.json["detail"] as? String)?.contains("All 2 seats") == true)
      try await eventually("the mail about the seats") {
        try await deployment.mails(to: address).contains { $0["Subject"]?.contains("seats") == true }
      }

      try await workspace.scimctl(["workspace", "update", workspace.slug, "--seats-policy", "hold"])
      let held = try await provider.send("POST", "/Users", body: late)
      #expect(held.status == 201 && held.json["active"] as? Bool == false)
      let waiting = try #require(try await workspace.scimctl(["held", "list"]).split(separator: "\n").first)
      #expect(waiting.contains("seat"))
      let change = String(waiting.prefix { $0 != " " })
      let full = try await deployment.scimctlResult(["held", "approve", change], workspace: workspace.slug)
      #expect(full.status != 0)
      try await provider.setActive(false, ids[0])
      try await workspace.scimctl(["held", "approve", change])
      let approved = try await provider.send("GET", "/Users/\(try #require(held.json["id"] as? String))")
      #expect(approved.json["active"] as? Bool == true)
    }

    @Test("The loss of the last active admin is held if the guard says so, and otherwise mailed")
    func lastAdmin() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let provider = workspace.identityProvider
      let address = "it@\(workspace.slug).example"
      try await workspace.scimctl(["workspace", "guard", "set", workspace.slug, "--hold-last-admin", "--notify", address])
      let email = "boss-\(workspace.slug)@example.com"
      let id = try await provider.create(email)
      func patch(role: String) async throws -> HTTPResponse {
        try await provider.send(
          "PATCH", "/Users/\(id)",
          body: """
            {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],\
            "Operations":[{"op":"replace","path":"secodaRole","value":"\(role)"}]}
            """)
      }
      #expect(try await patch(role: "admin").status == 200)
      try await workspace.scimctl(["sign-in", email])
      #expect(try await patch(role: "viewer").status == 200)
      #expect(try await provider.send("GET", "/Users/\(id)").json["secodaRole"] as? String == "admin")
      let waiting = try #require(try await workspace.scimctl(["held", "list"]).split(separator: "\n").first)
      try await workspace.scimctl(["held", "approve", String(waiting.prefix { $0 != " " })])
      #expect(try await provider.send("GET", "/Users/\(id)").json["secodaRole"] as? String == "viewer")
      try await eventually("the mail about the last admin") {
        try await deployment.mails(to: address).contains { $0["Subject"]?.contains("no active administrator") == true }
      }
    }
  }
}
