import Foundation
import Models
import TestSupport
import Testing

@testable import IdentityStore

extension Fixture {
  /// Changes the settings of the workspace, as if they had been loaded so.
  mutating func configure(_ change: (inout WorkspaceSettings) -> Void) {
    guard var record = decider.state.workspaces[Self.workspace] else { return }
    change(&record.settings)
    decider.state.load(record)
  }

  /// A fixture with the verified domain `acme.example`.
  static func verified(_ change: (inout WorkspaceSettings) -> Void = { _ in }) -> Fixture {
    var fixture = Fixture()
    fixture.configure { settings in
      settings.mailDomains = [MailDomain(domain: "acme.example", verification: .operator, verifiedAt: Self.start)]
      change(&settings)
    }
    return fixture
  }

  var settings: WorkspaceSettings? { decider.state.workspaces[Self.workspace]?.settings }

  @discardableResult
  mutating func decideHeld(_ verdict: HeldChangeDecision.Verdict, on resource: ResourceID) -> Reply.Outcome {
    let change = held(resource)?.id ?? HeldChangeID(id().uuid)
    return decide(.decideHeldChange(HeldChangeDecision(change: change, verdict: verdict)), on: resource)
  }

  @discardableResult
  mutating func patchUser(_ operations: String, on resource: ResourceID) -> Reply.Outcome {
    decide(.patchUser(patch: patch(operations)), on: resource)
  }
}

@Suite("Mail domains of a workspace")
struct MailDomainTests {
  private static let token = String(repeating: "a", count: 32)

  private func change(_ action: MailDomainChange.Action, _ domain: String = "acme.example", token: String? = nil) -> Command.Operation {
    .changeMailDomain(MailDomainChange(domain: domain, action: action, token: token))
  }

  @Test("A domain is verified with the token that was published, and keeps it when it is added again")
  func verification() throws {
    var fixture = Fixture()
    let workspace = Fixture.workspace.resource
    #expect(fixture.decide(change(.verify, token: Self.token), on: workspace).status == 404)
    #expect(fixture.decide(change(.add, token: Self.token), on: workspace).status == 204)
    #expect(fixture.decide(change(.add, token: String(repeating: "b", count: 32)), on: workspace).status == 204)
    #expect(fixture.settings?.mailDomains.first?.recordName == "_rollcall-challenge.acme.example")
    #expect(fixture.settings?.mailDomains.first?.recordText == "rollcall-verification=\(Self.token)")
    #expect(fixture.settings?.verifiedDomains == [])
    #expect(fixture.decide(change(.verify, token: String(repeating: "b", count: 32)), on: workspace).status == 409)
    #expect(fixture.decide(change(.verify, token: Self.token), on: workspace).status == 204)
    #expect(fixture.settings?.verifiedDomains == ["acme.example"])
    #expect(fixture.decider.state.changes.changedMailDomains == [Fixture.workspace])
    let version = fixture.decider.state.workspaces[Fixture.workspace]?.version
    #expect(fixture.decide(change(.verify, token: Self.token), on: workspace).status == 204)
    #expect(fixture.decider.state.workspaces[Fixture.workspace]?.version == version)
    #expect(fixture.decide(change(.remove), on: workspace).status == 204)
    #expect(fixture.decide(change(.remove), on: workspace).status == 404)
  }

  @Test("A domain is verified in one workspace only, by whatever means; the other workspace is not named")
  func uniqueness() {
    var fixture = Fixture()
    let workspace = Fixture.workspace.resource
    let owner = WorkspaceID(fixture.id().uuid)
    fixture.decider.state.loadMailDomain("acme.example", of: owner)
    #expect(fixture.decide(change(.add, token: Self.token), on: workspace).status == 204)
    for operation in [change(.verify, token: Self.token), change(.assert)] {
      let outcome = fixture.decide(operation, on: workspace)
      #expect(outcome.status == 409)
      #expect(!outcome.error.contains("\(owner)"))
    }
    #expect(fixture.settings?.verifiedDomains == [])
  }

  @Test(
    "Malformed domains and tokens are refused",
    arguments: [("Acme.example", token), ("acme", token), ("acme.example", "short"), ("acme.example", String(repeating: "ä", count: 32))])
  func malformed(domain: String, token: String) {
    var fixture = Fixture()
    #expect(fixture.decide(change(.add, domain, token: token), on: Fixture.workspace.resource).status == 400)
  }

  @Test("An update of the settings leaves the domains alone; a policy for other domains needs a verified domain")
  func settings() throws {
    var fixture = Fixture()
    let workspace = Fixture.workspace.resource
    var settings = try #require(fixture.settings)
    settings.otherDomains = .reject
    #expect(fixture.decide(.updateWorkspace(settings), on: workspace).error.contains("needs a verified domain"))
    #expect(fixture.decide(change(.assert), on: workspace).status == 204)
    settings.mailDomains = [MailDomain(domain: "other.example", verification: .operator, verifiedAt: Fixture.start)]
    #expect(fixture.decide(.updateWorkspace(settings), on: workspace).status == 204)
    #expect(fixture.settings?.verifiedDomains == ["acme.example"])
    #expect(fixture.settings?.otherDomains == .reject)
    #expect(fixture.decide(change(.remove), on: workspace).status == 400)
    #expect(fixture.settings?.verifiedDomains == ["acme.example"])
  }

  @Test("A new workspace has asserted domains only")
  func creation() throws {
    var fixture = Fixture()
    var settings = try #require(fixture.settings)
    settings.slug = "globex"
    func create(_ domain: MailDomain) -> Reply.Outcome {
      settings.mailDomains = [domain]
      let id = fixture.id()
      var command = fixture.command(.createWorkspace(settings), on: id)
      command.workspace = id.workspace
      return fixture.decider.decide(ParsedCommand(command)).outcome
    }
    let byDNS = MailDomain(domain: "globex.example", verification: .dns(token: Self.token), verifiedAt: Fixture.start)
    #expect(create(byDNS).status == 400)
    #expect(create(MailDomain(domain: "globex.example", verification: .operator, verifiedAt: Fixture.start)).status == 204)
  }

  @Test("A domain is verified in one workspace of the database, and free again once it is removed", .timeLimit(.minutes(10)))
  func storage() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let other = WorkspaceID.made(at: Date())
    var creation = store.command(
      .createWorkspace(
        WorkspaceSettings(
          slug: "other", name: "Other", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://other.example/")),
      on: other.resource)
    creation.workspace = other
    var claim = store.command(change(.assert), on: other.resource)
    claim.workspace = other
    let first = store.command(change(.assert), on: store.workspace.resource)
    #expect(try await process.execute([creation, first, claim]).map(\.outcome.status) == [204, 204, 409])
    #expect(try await store.text("select workspace_id::text from identity.mail_domains") == "\(store.workspace)")
    claim.id = .made(at: Date())
    let removal = store.command(change(.remove), on: store.workspace.resource)
    #expect(try await store.process().execute([removal, claim]).map(\.outcome.status) == [204, 204])
    #expect(try await store.text("select workspace_id::text from identity.mail_domains") == "\(other)")
  }
}

@Suite("Users with addresses in other domains")
struct OtherDomainTests {
  private static let ana = #"{"userName":"ana","emails":[{"value":"ana@acme.example"}]}"#
  private static let ben = #"{"userName":"ben","emails":[{"value":"ben@elsewhere.example"}]}"#

  @Test("are invited, unless the workspace says otherwise")
  func allowed() {
    var fixture = Fixture.verified()
    let ben = fixture.createUser(Self.ben).id
    #expect(fixture.user(ben)?.state == .invited)
  }

  @Test("are refused with the list of domains, when created, enabled, or given another address")
  func rejected() {
    var fixture = Fixture.verified { $0.otherDomains = .reject }
    let refusal = fixture.createUser(Self.ben).outcome
    #expect(refusal.status == 400)
    #expect(refusal.error.contains("ben@elsewhere.example") && refusal.error.contains("acme.example"))
    #expect(fixture.userChanges.isEmpty)
    let ana = fixture.createUser(Self.ana).id
    #expect(fixture.user(ana)?.state == .invited)
    let change = #"{"op":"replace","path":"emails","value":[{"value":"ana@elsewhere.example"}]},{"op":"add","path":"title","value":"Boss"}"#
    #expect(fixture.patchUser(change, on: ana).status == 400)
    #expect(fixture.user(ana)?.email == "ana@acme.example" && fixture.user(ana)?.version == 1)
    // Nobody is invited as long as the user is disabled.
    let disabled = fixture.createUser(#"{"userName":"ben","active":false,"emails":[{"value":"ben@elsewhere.example"}]}"#)
    #expect(disabled.outcome.status == 201)
    #expect(fixture.patchUser(#"{"op":"replace","path":"active","value":true}"#, on: disabled.id).status == 400)
    #expect(fixture.user(disabled.id)?.state == .disabled)
  }

  @Test("wait for an admin: they are disabled until then, and the same request is held once")
  func held() throws {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let (ben, outcome) = fixture.createUser(Self.ben)
    #expect(outcome.status == 201)
    #expect(fixture.user(ben)?.state == .disabled)
    let held = try #require(fixture.held(ben))
    #expect(held.kind == .otherDomain && held.status == .pending)
    #expect(fixture.notices.map(\.kind) == [.otherDomain])
    let enable = #"{"op":"replace","path":"active","value":true}"#
    #expect(fixture.patchUser(enable, on: ben).status == 200)
    #expect(fixture.createUser(Self.ben).id == ben)
    #expect(fixture.held(ben)?.id == held.id && fixture.notices.count == 1)
    #expect(fixture.decideHeld(.approve, on: ben).status == 204)
    #expect(fixture.user(ben)?.state == .invited)
    #expect(fixture.held(ben) == nil)
    #expect(fixture.userChanges == [.created, .enabled])
  }

  @Test("stay disabled if an admin rejects them, until their domain is verified")
  func refusedByAdmin() {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let ben = fixture.createUser(Self.ben).id
    #expect(fixture.decideHeld(.reject, on: ben).status == 204)
    let enable = #"{"op":"replace","path":"active","value":true}"#
    fixture.patchUser(enable, on: ben)
    #expect(fixture.user(ben)?.state == .disabled)
    #expect(fixture.held(ben)?.status == .rejected && fixture.notices.count == 1)
    fixture.configure {
      $0.mailDomains.append(MailDomain(domain: "elsewhere.example", verification: .operator, verifiedAt: Fixture.start))
    }
    fixture.patchUser(enable, on: ben)
    #expect(fixture.user(ben)?.state == .invited)
    #expect(fixture.held(ben) == nil)
  }

  @Test("no longer wait once the identity provider disables or deletes them")
  func superseded() {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let ben = fixture.createUser(Self.ben).id
    fixture.patchUser(#"{"op":"replace","path":"active","value":false}"#, on: ben)
    #expect(fixture.held(ben) == nil)
    #expect(fixture.user(ben)?.state == .disabled)
    fixture.patchUser(#"{"op":"replace","path":"active","value":true}"#, on: ben)
    #expect(fixture.held(ben)?.status == .pending)
    #expect(fixture.decide(.deleteUser, on: ben).status == 204)
    #expect(fixture.held(ben) == nil)
  }

  private static let move = #"{"op":"replace","path":"emails","value":[{"value":"ana@elsewhere.example"}]}"#

  @Test("A new address in another domain waits; the rest of the request is applied")
  func address() throws {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let ana = fixture.createUser(Self.ana).id
    #expect(fixture.patchUser(Self.move + #",{"op":"add","path":"title","value":"Boss"}"#, on: ana).status == 200)
    #expect(fixture.user(ana)?.email == "ana@acme.example" && fixture.user(ana)?.state == .invited)
    #expect(fixture.user(ana).map { String(decoding: $0.document, as: UTF8.self).contains("Boss") } == true)
    #expect(fixture.held(ana)?.kind == .addressChanged)
    // Another change does not take it back.
    fixture.patchUser(#"{"op":"add","path":"title","value":"Head"}"#, on: ana)
    #expect(fixture.held(ana)?.status == .pending)
    #expect(fixture.decideHeld(.approve, on: ana).status == 204)
    #expect(fixture.user(ana)?.email == "ana@elsewhere.example")
    #expect(fixture.user(ana).map { String(decoding: $0.document, as: UTF8.self).contains("Head") } == true)
    #expect(fixture.held(ana) == nil)
  }

  @Test("A rejected address stays rejected, another one is held anew, and a PUT with the stored one ends it")
  func rejectedAddress() {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let ana = fixture.createUser(Self.ana).id
    fixture.patchUser(Self.move, on: ana)
    fixture.decideHeld(.reject, on: ana)
    fixture.patchUser(Self.move, on: ana)
    #expect(fixture.held(ana)?.status == .rejected)
    fixture.patchUser(Self.move.replacing("ana@", with: "anna@"), on: ana)
    #expect(fixture.held(ana)?.status == .pending)
    #expect(fixture.decide(.replaceUser(document: Fixture.user(Self.ana)), on: ana).status == 200)
    #expect(fixture.held(ana) == nil)
    #expect(fixture.user(ana)?.email == "ana@acme.example")
  }

  @Test("A pending address does not keep the user from being disabled")
  func disabling() {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let ana = fixture.createUser(Self.ana).id
    fixture.patchUser(Self.move, on: ana)
    #expect(fixture.patchUser(#"{"op":"replace","path":"active","value":false}"#, on: ana).status == 200)
    #expect(fixture.user(ana)?.state == .disabled)
    #expect(fixture.held(ana) == nil)
  }

  @Test("A userName that is the address cannot wait, because it is unique")
  func userName() {
    var fixture = Fixture.verified { $0.otherDomains = .hold }
    let ana = fixture.createUser(#"{"userName":"ana@acme.example"}"#).id
    let outcome = fixture.patchUser(#"{"op":"replace","path":"userName","value":"ana@elsewhere.example"}"#, on: ana)
    #expect(outcome.status == 400)
    #expect(fixture.user(ana)?.userName == "ana@acme.example")
  }
}
