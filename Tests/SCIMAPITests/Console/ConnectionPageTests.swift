import Foundation
import Models
import Postgres
import ProvisioningLog
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The console's page Settings > SCIM", .timeLimit(.minutes(10)))
struct ConnectionPageTests {
  private static let path = "/console/settings/scim"

  private func sent(_ bench: ConsoleBench) -> [(WorkspaceSettings, [Int64]?)] {
    bench.builder.sentCommands.entries.compactMap { command in
      if case .updateWorkspace(let settings) = command.operation { (settings, command.expectedVersions) } else { nil }
    }
  }

  private func log(_ entry: LogEntry, _ bench: ConsoleBench) async throws {
    try await bench.write(
      "insert into identity.provisioning_log (workspace_id, id, status, failed, entry) values ($1, $2, $3, $4, $5)",
      [
        .uuid(entry.workspace.uuid), .uuid(entry.id.uuid), .int(Int64(entry.status)), .bool(entry.isFailure),
        .text(String(decoding: entry.json(), as: UTF8.self)),
      ])
  }

  @Test("Missing requirements are shown with who can change them, and the opt-in applies to the shown version")
  func requirements() async throws {
    let bench = try await ConsoleBench.made {
      $0.plan = .team
      $0.samlSSO = false
      $0.scimEnabled = false
    }
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      #expect(page.status == 200, "\(page.text)")
      for words in [
        "the plan team", "scimctl workspace update acme --plan enterprise", "--saml-sso", "Enable SCIM", "badge bad\">disabled",
      ] {
        #expect(page.text.contains(words), "\(words)")
      }
      let done = try await client.post("\(Self.path)/opt-in", of: page, ["scim": "on"])
      #expect(done.status == 303 && done.headers["location"] == Self.path, "\(done.text)")
      var expected = bench.builder.settings
      expected.scimEnabled = true
      #expect(sent(bench).map(\.0) == [expected])
      #expect(sent(bench).map(\.1) == [[1]])
      // Admins cannot change the plan or SAML SSO.
      let elevated = try await client.post("\(Self.path)/opt-in", of: page, ["scim": "on", "plan": "enterprise", "samlSSO": "true"])
      #expect(elevated.status == 303)
      #expect(sent(bench).map(\.0) == [expected, expected])
      // A form without the session's token is rejected.
      let forged = try await client.post("\(Self.path)/opt-in", of: page, ["scim": "on", ConsoleLayout.formToken: "x"])
      #expect(forged.status == 403)
      #expect(sent(bench).count == 2)
    }
    await bench.close()
  }

  @Test("The handling of duplicate names is shown and changed")
  func names() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      #expect(page.text.contains(#"<option value="same-person" selected>"#) && page.text.contains(#"<option value="reject" selected>"#))
      let done = try await client.post("\(Self.path)/names", of: page, ["relink": "never", "duplicateGroupNames": "allow"])
      #expect(done.status == 303 && done.headers["location"] == "\(Self.path)#names", "\(done.text)")
      #expect(sent(bench).map(\.0.relink) == [.never] && sent(bench).map(\.0.duplicateGroupNames) == [.allow])
      let wrong = try await client.post("\(Self.path)/names", of: page, ["relink": "always", "duplicateGroupNames": "allow"])
      #expect(wrong.status == 422 && wrong.text.contains("Choose one of the options"))
    }
    await bench.close()
  }

  @Test("A concurrent change is not overwritten, and the input is kept")
  func conflicts() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      try await bench.write("update identity.workspaces set version = 2")
      let late = try await client.post("\(Self.path)/roles", of: page, ["customRoles": "Steward", "defaultRole": "viewer"])
      #expect(late.status == 409)
      #expect(late.text.contains("Somebody else has changed the settings") && late.text.contains(">Steward</textarea>"))
      #expect(late.hidden("version") == "2")
      #expect(sent(bench).isEmpty)
      // Saving again from the current page succeeds.
      let again = try await client.post("\(Self.path)/roles", of: late, ["customRoles": "Steward", "defaultRole": "viewer"])
      #expect(again.status == 303 && again.headers["location"] == "\(Self.path)#roles")
      #expect(sent(bench).map(\.0.customRoles) == [["Steward"]] && sent(bench).map(\.1) == [[2]])
      // Unchanged settings send no command.
      let same = try await client.post("\(Self.path)/profile", of: late, ["profile": "auto", "roleAttribute": "secodaRole"])
      #expect(same.status == 303 && sent(bench).count == 1)
    }
    await bench.close()
  }

  @Test(
    "Errors of identity-store are shown at the form, with the input",
    arguments: [(412, 409, "Somebody else has changed"), (400, 422, "The role &#39;Analyst&#39; is in use"), (503, 503, "busy")])
  func storeErrors(status: Int, answered: Int, words: String) async throws {
    var bench = try await ConsoleBench.made { $0.customRoles = ["Analyst"] }
    let detail = status == 400 ? "The role 'Analyst' is in use: 3 users have it." : "busy"
    bench.builder.reply = { _ in .refused(status: status, error: Array(#"{"status":"\#(status)","detail":"\#(detail)"}"#.utf8)) }
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      let refused = try await client.post("\(Self.path)/roles", of: page, ["customRoles": "Steward", "defaultRole": "viewer"])
      #expect(refused.status == answered)
      #expect(refused.text.contains(words) || refused.text.contains(words.replacingOccurrences(of: "&#39;", with: "'")), "\(refused.text)")
      if answered != 503 { #expect(refused.text.contains(">Steward</textarea>")) }
    }
    await bench.close()
  }

  @Test("An invalid field has an associated error message, and no command is sent")
  func invalidFields() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.serving { client in
      let page = try await client.get(Self.path)
      let wrong = try await client.post("\(Self.path)/profile", of: page, ["profile": "okta", "roleAttribute": "<b>my role"])
      #expect(wrong.status == 422)
      #expect(wrong.text.contains(#"aria-describedby="roleAttribute-hint roleAttribute-error" aria-invalid="true""#))
      #expect(
        wrong.text.contains("id=\"roleAttribute-error\"") && wrong.text.contains("&lt;b&gt;my role") && !wrong.text.contains("<b>my role"))
      #expect(wrong.text.contains(#"<option value="okta" selected>"#))
      let invitations = try await client.post("\(Self.path)/invitations", of: page, ["sending": "delayed", "delayHours": "x"])
      #expect(invitations.status == 422 && invitations.text.contains("delayHours-error"))
      #expect(sent(bench).isEmpty)
    }
    await bench.close()
  }

  @Test("Each guide contains the workspace's values: host, domains, role attribute and roles")
  func guides() async throws {
    let bench = try await ConsoleBench.made {
      $0.customDomains = ["scim.acme.example"]
      $0.roleAttribute = "productRole"
      $0.customRoles = ["Analyst"]
    }
    try await bench.serving { client in
      let host = "http://127.0.0.1"
      for (guide, values) in [
        (
          "okta",
          ["Unique identifier field", "<code id=\"okta-url\">\(host)/api/v2/scim/</code>", "HTTP Header", "<code>productRole</code>"]
        ),
        ("entra", ["Tenant URL", "Secret Token", "urn:ietf:params:scim:schemas:core:2.0:User:productRole", "userPrincipalName"]),
        (
          "onelogin",
          [
            "SCIM Provisioner with SAML", "<code id=\"onelogin-url\">\(host)/api/v2/scim</code>", "{$parameters.productRole}",
            "Custom Headers",
          ]
        ),
      ] {
        let page = try await client.get("\(Self.path)?guide=\(guide)")
        for value in values {
          #expect(page.text.contains(value) || page.text.contains(value.replacing("\"", with: "&quot;")), "\(guide): \(value)")
        }
        #expect(page.text.contains("http://scim.acme.example/api/v2/scim/"))
        #expect(page.text.contains("admin, editor, viewer, Analyst"))
      }
    }
    await bench.close()
  }

  @Test("The live check waits, then shows requests and the reason of a rejection, but none of other workspaces")
  func live() async throws {
    let bench = try await ConsoleBench.made()
    try await bench.serving { client in
      let waiting = try await client.get(Self.path)
      #expect(waiting.text.contains("Waiting for the first request") && waiting.text.contains(#"id="live" data-live="3""#))
      func entry(_ status: Int, of workspace: WorkspaceID) -> LogEntry {
        var entry = LogEntry(
          id: .made(at: Date()), workspace: workspace, at: Date(), method: "GET", path: "/api/v2/scim/Users", status: status,
          milliseconds: 1)
        entry.userAgent = "Okta SCIM Client 1.0.0 <i>"
        entry.identityProvider = "okta"
        return entry
      }
      try await log(entry(200, of: .made(at: Date())), bench)
      #expect(try await client.get(Self.path).text.contains("Waiting for the first request"))
      try await log(entry(200, of: bench.workspace), bench)
      let received = try await client.get(Self.path)
      #expect(received.text.contains("<strong>Received:</strong> GET /Users from Okta"))
      #expect(received.text.contains("recognised as Okta") && received.text.contains(#"data-live="10""#))
      try await Task.sleep(for: .milliseconds(2))
      try await log(entry(401, of: bench.workspace), bench)
      let refused = try await client.get(Self.path)
      #expect(refused.text.contains("<strong>Rejected:</strong> GET /Users from Okta"))
      #expect(refused.text.contains("is not known here") && refused.text.contains("In Okta: this app"))
      #expect(!refused.text.contains("<i>"))
    }
    await bench.close()
  }
}
