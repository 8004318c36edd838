import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on workspaces' settings")
struct WorkspaceDecisionTests {
  private func settings(_ fixture: Fixture) -> WorkspaceSettings { fixture.decider.state.workspaces[Fixture.workspace]!.settings }

  private func update(_ fixture: inout Fixture, expecting versions: [Int64]? = nil, _ change: (inout WorkspaceSettings) -> Void)
    -> Reply.Outcome
  {
    var changed = settings(fixture)
    change(&changed)
    return fixture.decide(.updateWorkspace(changed), on: Fixture.workspace.resource, expecting: versions)
  }

  private func workspaceChanges(_ fixture: Fixture) -> [WorkspaceChanged] {
    fixture.decider.events.compactMap { if case .workspaceChanged(let event) = $0.event { event } else { nil } }
  }

  @Test("Each change publishes the complete settings; an update without changes publishes nothing")
  func events() {
    var fixture = Fixture()
    #expect(update(&fixture) { $0.name = "Acme Inc" }.status == 204)
    #expect(update(&fixture) { $0.name = "Acme Inc" }.status == 204)
    #expect(update(&fixture) { $0.customDomains = ["scim.acme.example"] }.status == 204)
    #expect(workspaceChanges(fixture).map(\.version) == [2, 3])
    #expect(workspaceChanges(fixture).last?.settings == settings(fixture))
  }

  @Test("U+0000 is refused in every field, since PostgreSQL would reject the whole batch")
  func nullCharacter() {
    var fixture = Fixture()
    let changes: [(inout WorkspaceSettings) -> Void] = [
      { $0.name = "Ac\0me" }, { $0.customRoles = ["steward\0"] }, { $0.signInURL = "https://acme.example/\0" },
      { $0.invitations.branding.inviter = "A\0na" },
    ]
    for change in changes {
      let outcome = update(&fixture, change)
      #expect(outcome.status == 400 && outcome.error.contains("U+0000"))
    }
    let template = InvitationTemplate(language: "*", subject: "A\0")
    #expect(fixture.decide(.orderInvitation(.setTemplate(template)), on: Fixture.workspace.resource).error.contains("U+0000"))
    #expect(fixture.decider.events.isEmpty)
  }

  @Test("The language of mails to administrators is validated")
  func adminLanguage() {
    var fixture = Fixture()
    #expect(update(&fixture) { $0.adminLanguage = "pt-BR" }.status == 204)
    #expect(update(&fixture) { $0.adminLanguage = "German language" }.error.contains("BCP 47"))
    #expect(settings(fixture).adminLanguage == "pt-BR")
  }

  @Test("Settings that have changed in the meantime are not overwritten")
  func concurrency() {
    var fixture = Fixture()
    #expect(update(&fixture, expecting: [1]) { $0.name = "A" }.status == 204)
    let outcome = update(&fixture, expecting: [1]) { $0.plan = .free }
    #expect(outcome.status == 412)
    #expect(outcome.error.contains("changed meanwhile"))
    #expect(settings(fixture).plan == .enterprise)
    #expect(update(&fixture, expecting: [2]) { $0.plan = .free }.status == 204)
  }

  @Test("A role that is in use or the default cannot be removed, and the error says what to do")
  func roles() {
    var fixture = Fixture(customRoles: ["Auditor", "Steward", "Guest"], defaultRole: "Guest")
    for name in ["ana", "ben"] { fixture.createUser(#"{"userName":"\#(name)@example.com","secodaRole":"auditor"}"#) }
    fixture.createUser(#"{"userName":"zoe@example.com","secodaRole":"Steward"}"#)
    let inUse = update(&fixture) { $0.customRoles.removeAll { $0 == "Auditor" } }
    #expect(inUse.status == 400)
    #expect(inUse.error.contains("2 users have it"), "\(inUse.error)")
    #expect(update(&fixture) { $0.customRoles.removeAll { $0 == "Steward" } }.error.contains("1 user has it"))
    let byDefault = update(&fixture) { $0.customRoles.removeAll { $0 == "Guest" } }
    #expect(byDefault.status == 400)
    #expect(byDefault.error.contains("--default-role"))
    #expect(update(&fixture) { $0.defaultRole = "viewer" }.status == 204)
    #expect(update(&fixture) { $0.customRoles.removeAll { $0 == "Guest" } }.status == 204)
    #expect(settings(fixture).customRoles == ["Auditor", "Steward"])
  }

  @Test("A domain belongs to one workspace, and the error names it")
  func domains() {
    var fixture = Fixture()
    let other = WorkspaceID.made(at: Fixture.start)
    fixture.decider.state.loadDomain("scim.other.example", of: other, slug: "other")
    let clash = update(&fixture) { $0.customDomains = ["scim.acme.example", "scim.other.example"] }
    #expect(clash.status == 409)
    #expect(clash.error.contains("scim.other.example"))
    #expect(clash.error.contains("'other', \(other)"), "\(clash.error)")
    #expect(update(&fixture) { $0.customDomains = ["scim.acme.example"] }.status == 204)
    #expect(fixture.decider.state.domains["scim.acme.example"] == Fixture.workspace)
    #expect(fixture.decider.state.changes.changedDomains == [Fixture.workspace])
    #expect(update(&fixture) { $0.customDomains = [] }.status == 204)
    #expect(fixture.decider.state.domains["scim.acme.example"] == nil)
  }

  /// Invalid settings, and a part of the error.
  static let mistakes: [(@Sendable (inout WorkspaceSettings) -> Void, String)] = [
    ({ $0.customDomains = ["SCIM.acme.example"] }, "SCIM.acme.example"), ({ $0.customDomains = ["https://a.example"] }, "without scheme"),
    ({ $0.customDomains = ["localhost"] }, "localhost"), ({ $0.customDomains = ["a.example", "a.example"] }, "twice"),
    ({ $0.customDomains = (0..<21).map { "d\($0).example" } }, "20 domains"), ({ $0.name = " " }, "name"),
    ({ $0.signInURL = "app.example.com" }, "app.example.com"), ({ $0.slug = "Acme" }, "slug"), ({ $0.defaultRole = "boss" }, "boss"),
    ({ $0.customRoles = ["Admin"] }, "twice"), ({ $0.customRoles = ["a", "A"] }, "twice"), ({ $0.customRoles = [""] }, "1 to 100"),
    ({ $0.roleAttribute = "a b" }, "attribute name"), ({ $0.invitations.sending = .delayed(seconds: 0) }, "30 days"),
    ({ $0.invitations.sending = .digest(address: "nobody") }, "nobody"), ({ $0.invitations.reminderDays = [7, 3] }, "ascending"),
    ({ $0.invitations.reminderDays = [0] }, "ascending"), ({ $0.invitations.expiryDays = 0 }, "never"),
  ]

  @Test("Invalid settings are refused with the reason, and the settings stay the same", arguments: mistakes.indices)
  func refusals(_ index: Int) {
    var fixture = Fixture()
    let before = settings(fixture)
    let (change, mention) = Self.mistakes[index]
    let outcome = update(&fixture, change)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains(mention), "\(outcome.error)")
    #expect(settings(fixture) == before)
  }
}
