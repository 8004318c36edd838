import Foundation
import Models
import Testing

@testable import ScimctlCommands

@Suite("Output")
struct OutputTests {
  @Test("Tables have aligned columns and no trailing spaces, and the heading is apart from the rows")
  func columns() {
    var headed = Table("NAME", "NUMBER OF USERS", "ID")
    headed.append(["ana@example.com", "1", "x"])
    #expect(headed.heading == "NAME             NUMBER OF USERS  ID")
    #expect(headed.lines == ["ana@example.com  1                x"])
    var table = Table()
    table.append(["ana@example.com", "invited", "viewer", nil])
    table.append(["ben@a.example", "active", "Data Steward", "ben@a.example"])
    #expect(
      table.lines == [
        "ana@example.com  invited  viewer        -",
        "ben@a.example    active   Data Steward  ben@a.example",
      ])
    #expect(Table().lines == [] && table.heading == nil)
  }

  @Test(
    "Control characters do not reach the terminal",
    arguments: [("Data team", "Data team"), ("a\u{1B}[2Jb", "a?[2Jb"), ("a\r\nb", "a??b"), ("Zoë 🦊", "Zoë 🦊")])
  func plainText(_ text: String, _ shown: String) {
    #expect(PlainText.line(text) == shown)
  }

  @Test("A token is active, expired or revoked")
  func tokenStatus() {
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    #expect(TokenRow.status(expiresAt: nil, revokedAt: nil, now: now) == "active")
    #expect(TokenRow.status(expiresAt: now + 1, revokedAt: nil, now: now) == "active")
    #expect(TokenRow.status(expiresAt: now, revokedAt: nil, now: now) == "expired")
    #expect(TokenRow.status(expiresAt: now + 1, revokedAt: now, now: now) == "revoked")
  }

  @Test(
    "workspace show says why SCIM cannot be used",
    arguments: [
      (WorkspaceSettings.Plan.free, true, true, "the plan is not enterprise"), (.enterprise, false, true, "SAML SSO is not enabled"),
      (.enterprise, true, false, "not enabled"), (.enterprise, true, true, "enabled"),
    ])
  func obstacle(_ plan: WorkspaceSettings.Plan, _ samlSSO: Bool, _ scim: Bool, _ expected: String) throws {
    let workspace = StoredWorkspace(
      id: .made(at: .now),
      settings: WorkspaceSettings(
        slug: "acme", name: "Acme", plan: plan, samlSSO: samlSSO, scimEnabled: scim, signInURL: "https://a.example/"))
    let line = try #require(workspace.description.lines.first { $0.hasPrefix("scim ") })
    #expect(line.hasSuffix("  \(expected)") || line.hasSuffix(": \(expected)"))
  }
}
