import Foundation
import TestSupport
import Testing

extension EndToEnd {
  @Suite("The console: groups and the connection")
  struct ConsoleGroups {
    @Test("A group's member is pending, and visible from the first sign-in on")
    func standings() async throws {
      let suite = try await Suite.shared()
      let workspace = try await suite.workspace()
      let admin = try await ConsoleAdmin(of: workspace)
      let idp = workspace.identityProvider
      #expect(try await admin.get("/groups").text.contains("No groups yet"))
      let emails = ["ana", "ben"].map { "\($0)@\(workspace.slug).example" }
      let ids = [try await idp.create(emails[0]), try await idp.create(emails[1])]
      let group = try await idp.createGroup("Data <b>team</b>", members: ids)
      try await eventually("both members to be pending") {
        try await admin.get("/groups/\(group)").text.contains(#"Pending <span class="count">2</span>"#)
      }
      let list = try await admin.get("/groups?q=data").text
      #expect(list.contains("Data &lt;b&gt;team&lt;/b&gt;") && !list.contains("<b>team"))
      let pending = try await admin.get("/groups/\(group)?state=pending").text
      #expect(emails.allSatisfy(pending.contains) && pending.contains("has not signed in yet"))

      try await workspace.scimctl(["sign-in", emails[0]])
      try await eventually("Ana to be visible") {
        try await admin.get("/groups/\(group)").text.contains("/console/members/\(ids[0])\"")
      }
      #expect(try await admin.get("/groups/\(group)?state=pending").text.contains(emails[0]) == false)
      try await idp.setActive(false, ids[1])
      try await eventually("Ben to be held") {
        try await admin.get("/groups/\(group)?state=held").text.contains("/console/members/\(ids[1])\"")
      }

      // Another workspace's admin sees none of it.
      let other = try await ConsoleAdmin(of: suite.workspace())
      #expect(try await other.get("/groups").text.contains("No groups yet"))
      #expect(try await other.get("/groups/\(group)").status == 404)
      #expect(try await idp.send("DELETE", "/Groups/\(group)").status == 204)
      #expect(try await admin.get("/groups/\(group)").status == 404)
    }

    @Test("SCIM is switched on in the console, and the identity provider's first test of the connection is seen there within seconds")
    func connection() async throws {
      let suite = try await Suite.shared()
      let workspace = try await suite.workspace(settings: ["--plan", "enterprise", "--saml-sso"])
      let admin = try await ConsoleAdmin(of: workspace)
      let page = try await admin.get("/settings/scim")
      #expect(page.status == 200)
      #expect(page.text.contains("Waiting for the first call") && page.text.contains("Switch SCIM on"))
      #expect(page.text.contains("\(workspace.identityProvider.baseURL)/"))

      let okta = IdentityProvider(
        baseURL: workspace.identityProvider.baseURL, token: workspace.identityProvider.token, userAgent: "Okta SCIM Client 1.0.0")
      #expect(try await okta.send("GET", "/Users?startIndex=1&count=2").status == 403)
      try await eventually("the refusal to be seen, with its reason", within: .seconds(10)) {
        let text = try await admin.get("/settings/scim").text
        return text.contains("<strong>Refused:</strong> GET /Users from Okta") && text.contains("SCIM is not switched on for the workspace")
      }

      let done = try await admin.post("/settings/scim/opt-in", of: page, ["scim": "on"])
      #expect(done.contains("SCIM is switched on for this workspace") && done.contains("badge good\">open"), "\(done)")
      // The page of before knows nothing of that change.
      let late = try await admin.post("/settings/scim/roles", of: page, ["customRoles": "Analyst", "defaultRole": "viewer"])
      #expect(late.contains("Somebody else has changed the settings"), "\(late)")
      try await eventually("the gate to be open") { try await okta.send("GET", "/Users?startIndex=1&count=2").status == 200 }
      let start = ContinuousClock.now
      try await eventually("the call to be seen", within: .seconds(10)) {
        try await admin.get("/settings/scim").text.contains("<strong>Received:</strong> GET /Users from Okta")
      }
      print("the first read was seen after \(ContinuousClock.now - start)")
      #expect(ContinuousClock.now - start < .seconds(5))

      let present = try await admin.get("/settings/scim")
      let roles = try await admin.post("/settings/scim/roles", of: present, ["customRoles": "Analyst", "defaultRole": "viewer"])
      #expect(roles.contains("The roles are changed"))
      try await eventually("a user with the new role") {
        let body = #"{"userName":"role@\#(workspace.slug).example","secodaRole":"analyst"}"#
        return [201, 409].contains(try await okta.send("POST", "/Users", body: body).status)
      }
      let used = try await admin.get("/settings/scim")
      let refused = try await admin.post("/settings/scim/roles", of: used, ["customRoles": "", "defaultRole": "viewer"])
      #expect(refused.contains("is in use"), "\(refused)")

      // A revoked token is told apart from one that was never there.
      let id = try #require(
        try await workspace.scimctl(["token", "list"]).split(separator: "\n").first { $0.hasSuffix("identity provider") }?
          .split(separator: " ").first.map(String.init))
      try await workspace.scimctl(["token", "revoke", id])
      try await eventually("the revocation") { try await okta.send("GET", "/Users").status == 401 }
      try await eventually("the refusal of the revoked token to be seen", within: .seconds(10)) {
        try await admin.get("/settings/scim").text.contains("was revoked on")
      }
    }
  }
}

/// An admin at the console, by curl: it follows where a form leads, and keeps what it is given.
private struct ConsoleAdmin {
  private let url: String
  private let session: String

  init(of workspace: Workspace) async throws {
    let printed = try await workspace.scimctl(["token", "issue", "--name", "console", "--scope", "admin"])
    session = "rollcall_session=" + printed.trimmingCharacters(in: .whitespacesAndNewlines)
    url = workspace.identityProvider.baseURL.replacingOccurrences(of: "/api/v2/scim", with: "/console")
  }

  func get(_ path: String) async throws -> (status: Int, text: String) {
    let printed = try await curl(["--write-out", "\n%{http_code}", url + path])
    let lines = printed.split(separator: "\n", omittingEmptySubsequences: false)
    return (lines.last.flatMap { Int($0) } ?? 0, lines.dropLast().joined(separator: "\n"))
  }

  /// The page that comes of a form of `page`.
  func post(_ path: String, of page: (status: Int, text: String), _ values: [String: String]) async throws -> String {
    var all = values
    for name in ["formToken", "version"] { all[name] = hidden(name, in: page.text) }
    let data = all.flatMap { ["--data-urlencode", "\($0)=\($1)"] }
    return try await curl(["--location", "--cookie-jar", "-"] + data + [url + path])
  }

  private func hidden(_ name: String, in page: String) -> String {
    guard let start = page.range(of: "name=\"\(name)\" value=\"")?.upperBound else { return "" }
    return String(page[start...].prefix { $0 != "\"" })
  }

  private func curl(_ arguments: [String]) async throws -> String {
    try await CommandRun.output(
      of: URL(fileURLWithPath: "/usr/bin/curl"), arguments: ["--silent", "--cookie", session] + arguments, environment: [:])
  }
}
