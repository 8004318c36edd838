import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("Workspace settings")
  struct WorkspaceSettings {
    private static let roleURN = "urn:ietf:params:scim:schemas:core:2.0:User"

    private func create(_ idp: IdentityProvider, _ email: String, _ more: String = "") async throws -> HTTPResponse {
      try await idp.send("POST", "/Users", body: #"{"schemas":["\#(Self.roleURN)"],"userName":"\#(email)"\#(more)}"#)
    }

    private func roles(of workspace: Workspace) async throws -> String { try await workspace.scimctl(["user", "list"]) }

    @Test("Plan, SAML SSO and opt-in enable and disable SCIM on both scim-api processes")
    func eligibility() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let edges = try await deployment.bothEdges(of: workspace)
      for (disabling, enabling, mention) in [
        (["--plan", "team"], ["--plan", "enterprise"], "enterprise plan"), (["--no-saml-sso"], ["--saml-sso"], "SAML SSO"),
        (["--no-scim"], ["--scim"], "switched on"),
      ] {
        try await workspace.scimctl(["workspace", "update", workspace.slug] + disabling)
        for edge in edges {
          try await takesEffect("\(disabling) to take effect") {
            let answer = try await edge.send("GET", "/Users")
            return answer.status == 403 && answer.text.contains(mention)
          }
        }
        try await workspace.scimctl(["workspace", "update", workspace.slug] + enabling)
        for edge in edges { try await takesEffect("\(enabling) to take effect") { try await edge.send("GET", "/Users").status == 200 } }
      }
    }

    @Test("Changes of roles, default role and role attribute take effect; a role in use cannot be removed")
    func roles() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let auditor = #","secodaRole":"auditor""#
      #expect(try await create(idp, "ana@example.com", auditor).status == 400)
      try await workspace.scimctl(["workspace", "role", "add", workspace.slug, "Auditor"])
      #expect(try await create(idp, "ana@example.com", auditor).status == 201)
      let rejection = await #expect(throws: CommandRun.Failure.self) {
        try await workspace.scimctl(["workspace", "role", "remove", workspace.slug, "auditor"])
      }
      #expect(rejection?.output.contains("1 user has it") == true, "\(rejection?.output ?? "")")

      try await workspace.scimctl(["workspace", "role", "add", workspace.slug, "Guest"])
      try await workspace.scimctl(["workspace", "update", workspace.slug, "--default-role", "guest"])
      #expect(try await create(idp, "ben@example.com").status == 201)
      #expect(try await roles(of: workspace).contains("Guest"))
      let isDefault = await #expect(throws: CommandRun.Failure.self) {
        try await workspace.scimctl(["workspace", "role", "remove", workspace.slug, "Guest"])
      }
      #expect(isDefault?.output.contains("--default-role") == true)
      let list = try await workspace.scimctl(["workspace", "role", "list", workspace.slug])
      #expect(list.withoutAlignment.contains("1 own Auditor"), "\(list)")
      #expect(list.withoutAlignment.contains("1 own,default Guest"), "\(list)")

      try await workspace.scimctl(["workspace", "update", workspace.slug, "--role-attribute", "acmeRole", "--default-role", "viewer"])
      try await takesEffect("the new role attribute") {
        try await idp.send("GET", "/Schemas/\(Self.roleURN)").text.contains("acmeRole")
      }
      #expect(try await create(idp, "zoe@example.com", #","acmeRole":"emperor""#).status == 400)
    }

    @Test("Changes of name, sign-in URL, profile and slug take effect")
    func others() async throws {
      let deployment = try await Deployment.shared()
      let workspace = try await deployment.workspace()
      let idp = workspace.identityProvider
      let user = try await idp.create("first@\(workspace.slug).example")
      try await workspace.scimctl([
        "workspace", "update", workspace.slug, "--name", "Renamed Inc", "--sign-in-url", "https://renamed.example/in", "--profile",
        "strict",
      ])
      let email = "second@\(workspace.slug).example"
      _ = try await idp.create(email)
      try await eventually("the invitation") { try await deployment.mails(to: email).count == 1 }
      let mail = try #require(try await deployment.mails(to: email).first)
      #expect(mail.text?.contains("Renamed Inc") == true)
      #expect(mail.text?.contains("https://renamed.example/in") == true)
      let patch = """
        {"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":"False"}]}
        """
      try await takesEffect("the strict profile") { try await idp.send("PATCH", "/Users/\(user)", body: patch).status == 400 }

      let renamed = "\(workspace.slug)-renamed"
      try await workspace.scimctl([
        "workspace", "update", workspace.slug, "--slug", renamed, "--invitations", "delayed", "--invitation-delay", "4h", "--reminder-days",
        "2,5", "--invitation-expiry", "never",
      ])
      let shown = try await deployment.scimctl(["workspace", "show", renamed])
      for line in ["delayed by 14400 seconds", "after 2, 5 days", "never", "https://renamed.example/in", "strict"] {
        #expect(shown.contains(line), "\(shown)")
      }
    }

    @Test("Concurrent changes are not lost")
    func concurrency() async throws {
      let workspace = try await Deployment.shared().workspace()
      let roles = (0..<4).map { "role-\($0)" }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for role in roles {
          group.addTask { _ = try await workspace.scimctl(["workspace", "role", "add", workspace.slug, role]) }
        }
        try await group.waitForAll()
      }
      let list = try await workspace.scimctl(["workspace", "role", "list", workspace.slug])
      for role in roles { #expect(list.contains(role), "\(list)") }
    }

    @Test("A custom domain accepts only tokens of its workspace, on both scim-api processes, and occurs in responses")
    func domains() async throws {
      let deployment = try await Deployment.shared()
      let (workspace, other) = (try await deployment.workspace(), try await deployment.workspace())
      let domain = "scim.\(workspace.slug).example"
      let user = try await workspace.identityProvider.create("ana@example.com")
      try await workspace.scimctl(["workspace", "domain", "add", workspace.slug, domain.uppercased()])
      let clash = await #expect(throws: CommandRun.Failure.self) {
        try await other.scimctl(["workspace", "domain", "add", other.slug, domain])
      }
      #expect(clash?.status == 73)
      #expect(clash?.output.contains("'\(workspace.slug)'") == true, "\(clash?.output ?? "")")
      #expect(try await workspace.scimctl(["workspace", "domain", "list", workspace.slug]) == "\(domain)\n")
      for edge in try await deployment.bothEdges(of: workspace) {
        var own = edge
        own.host = domain
        var otherWorkspace = IdentityProvider(baseURL: edge.baseURL, token: other.identityProvider.token)
        #expect(try await otherWorkspace.send("GET", "/Users").status == 200)
        otherWorkspace.host = domain
        try await takesEffect("the domain") { [otherWorkspace] in
          let answer = try await otherWorkspace.send("GET", "/Users")
          return answer.status == 401 && answer.text.contains("another workspace")
        }
        let answer = try await own.send("GET", "/Users/\(user)")
        #expect(answer.status == 200)
        let location = "http://\(domain)/api/v2/scim/Users/\(user)"
        #expect(answer.headers["content-location"] == location)
        #expect((answer.json["meta"] as? [String: Any])?["location"] as? String == location)
      }
      try await workspace.scimctl(["workspace", "domain", "remove", workspace.slug, domain])
      for edge in try await deployment.bothEdges(of: other) {
        var otherWorkspace = edge
        otherWorkspace.host = domain
        try await takesEffect("the end of the domain") { [otherWorkspace] in try await otherWorkspace.send("GET", "/Users").status == 200 }
      }
    }
  }
}

/// Waits until a change takes effect, and expects that every request that is sent later than a second after the change meets it.
func takesEffect(_ what: String, _ condition: () async throws -> Bool) async throws {
  let changedAt = ContinuousClock.now
  var lastFailure = changedAt
  try await eventually(what) {
    let start = ContinuousClock.now
    if try await condition() { return true }
    lastFailure = start
    return false
  }
  #expect(lastFailure - changedAt < .seconds(1), "\(what): not yet after \(lastFailure - changedAt)")
}
