import Foundation
import Models
import Testing

@testable import ScimctlCommands

@Suite("What is printed")
struct OutputTests {
  @Test("stands in columns, without a heading or trailing spaces")
  func columns() {
    var table = Table()
    table.append(["ana@example.com", "invited", "viewer", nil])
    table.append(["ben@a.example", "active", "Data Steward", "ben@a.example"])
    #expect(
      table.lines == [
        "ana@example.com  invited  viewer        -",
        "ben@a.example    active   Data Steward  ben@a.example",
      ])
    #expect(Table().lines == [])
  }

  @Test(
    "cannot command the terminal",
    arguments: [("Data team", "Data team"), ("a\u{1B}[2Jb", "a?[2Jb"), ("a\r\nb", "a??b"), ("Zoë 🦊", "Zoë 🦊")])
  func plainText(_ text: String, _ shown: String) {
    #expect(PlainText.line(text) == shown)
  }

  @Test("of a token says whether it is good")
  func standing() {
    let now = Date(timeIntervalSince1970: 1_700_000_000)
    #expect(TokenTables.standing(expiresAt: nil, revokedAt: nil, now: now) == "good")
    #expect(TokenTables.standing(expiresAt: now + 1, revokedAt: nil, now: now) == "good")
    #expect(TokenTables.standing(expiresAt: now, revokedAt: nil, now: now) == "expired")
    #expect(TokenTables.standing(expiresAt: now + 1, revokedAt: now, now: now) == "revoked")
  }

  @Test(
    "of a workspace says what keeps SCIM from being used",
    arguments: [
      (WorkspaceSettings.Plan.free, true, true, "the plan is not enterprise"), (.enterprise, false, true, "SAML SSO is not enabled"),
      (.enterprise, true, false, "not enabled"), (.enterprise, true, true, "enabled"),
    ])
  func obstacle(_ plan: WorkspaceSettings.Plan, _ samlSSO: Bool, _ scim: Bool, _ expected: String) throws {
    let workspace = KnownWorkspace(
      id: .made(at: .now),
      settings: WorkspaceSettings(
        slug: "acme", name: "Acme", plan: plan, samlSSO: samlSSO, scimEnabled: scim, signInURL: "https://a.example/"))
    let line = try #require(workspace.description.lines.first { $0.hasPrefix("scim ") })
    #expect(line.hasSuffix("  \(expected)") || line.hasSuffix(": \(expected)"))
  }
}
