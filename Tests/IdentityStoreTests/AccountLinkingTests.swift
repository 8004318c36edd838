import Foundation
import Models
import TestSupport
import Testing

@testable import IdentityStore

extension Fixture {
  /// A fixture with the verified domain `acme.example` and one imported account.
  static func withAccount(_ policy: AccountLinking, _ account: ImportedAccount = Self.account) -> Fixture {
    var fixture = Fixture.verified { $0.accountLinking = policy }
    fixture.decider.state.load(
      AccountRecord(
        key: .account(account.id, in: workspace), email: account.email, externalID: account.externalID, state: account.state,
        importedAt: start))
    return fixture
  }

  static let account = ImportedAccount(id: "4711", email: "Ana@acme.example", externalID: "ext-ana")

  func account(_ id: String) -> AccountRecord? { decider.state.accounts[.account(id, in: Self.workspace)] }

  /// The snapshots of the published users, oldest first.
  var userSnapshots: [UserSnapshot] {
    decider.events.compactMap { if case .userChanged(let event) = $0.event { event.user } else { nil } }
  }
}

@Suite("Links of users to imported accounts")
struct AccountLinkingTests {
  private static let ana = #"{"userName":"ana","externalId":"ext-ana","emails":[{"value":"ana@acme.example"}]}"#

  @Test("A user with a verified address is linked, active at once, and stays so")
  func verifiedAddress() throws {
    var fixture = Fixture.withAccount(.verifiedAddress)
    let ana = fixture.createUser(Self.ana).id
    let user = try #require(fixture.user(ana))
    #expect(user.state == .active && user.accountID == "4711" && user.firstSignedInAt == nil)
    #expect(fixture.account("4711")?.user == ana.user)
    #expect(fixture.userSnapshots.map(\.accountID) == ["4711"])
    fixture.patchUser(#"{"op":"replace","path":"active","value":false}"#, on: ana)
    fixture.patchUser(#"{"op":"replace","path":"active","value":true}"#, on: ana)
    #expect(fixture.user(ana)?.state == .active)
    #expect(fixture.userSnapshots.last?.accountID == "4711")
    // The account is taken.
    let other = fixture.createUser(#"{"userName":"ana2","emails":[{"value":"ana@acme.example"}]}"#).id
    #expect(fixture.user(other)?.state == .invited && fixture.user(other)?.accountID == nil)
  }

  @Test("An address in a domain that is not verified links nobody, nor does the external id")
  func unverified() {
    var fixture = Fixture.withAccount(.verifiedAddress, ImportedAccount(id: "1", email: "ben@elsewhere.example", externalID: "ext-ben"))
    let ben = fixture.createUser(#"{"userName":"ben","externalId":"ext-ben","emails":[{"value":"ben@elsewhere.example"}]}"#).id
    #expect(fixture.user(ben)?.state == .invited && fixture.user(ben)?.accountID == nil)
  }

  @Test("By external id, users are linked by what the product imported: the external id or its own", arguments: ["ext-ana", "4711"])
  func externalID(id: String) {
    var fixture = Fixture.withAccount(.externalID)
    let elsewhere = fixture.createUser(#"{"userName":"ana","emails":[{"value":"ana@acme.example"}]}"#).id
    #expect(fixture.user(elsewhere)?.accountID == nil)
    let ana = fixture.createUser(#"{"userName":"anna","externalId":"\#(id)"}"#).id
    #expect(fixture.user(ana)?.accountID == "4711" && fixture.user(ana)?.state == .active)
  }

  @Test("An invited user who gets the address or the id of an account becomes active")
  func laterAddress() {
    var fixture = Fixture.withAccount(.verifiedAddress)
    let ana = fixture.createUser(#"{"userName":"ana","emails":[{"value":"old@acme.example"}]}"#).id
    #expect(fixture.user(ana)?.state == .invited)
    fixture.patchUser(#"{"op":"replace","path":"emails","value":[{"value":"ana@acme.example"}]}"#, on: ana)
    #expect(fixture.user(ana)?.state == .active && fixture.user(ana)?.accountID == "4711")
    #expect(fixture.userChanges == [.created, .activated])
  }

  @Test("A user who is linked by nobody's decision waits, and is enabled with or without the account")
  func ask() throws {
    for verdict in [HeldChangeDecision.Verdict.approve, .reject] {
      var fixture = Fixture.withAccount(.ask)
      let ana = fixture.createUser(Self.ana).id
      #expect(fixture.user(ana)?.state == .disabled)
      #expect(fixture.held(ana)?.kind == .accountMatched && fixture.notices.count == 1)
      fixture.decideHeld(verdict, on: ana)
      #expect(fixture.user(ana)?.accountID == (verdict == .approve ? "4711" : nil))
      #expect(fixture.user(ana)?.state == (verdict == .approve ? .active : .disabled))
    }
    var fixture = Fixture.withAccount(.ask)
    let ana = fixture.createUser(Self.ana).id
    #expect(fixture.decide(.unlinkAccount(AccountUnlink()), on: ana).status == 204)
    #expect(fixture.user(ana)?.state == .invited && fixture.user(ana)?.accountID == nil)
    #expect(fixture.held(ana) == nil && fixture.account("4711")?.user == nil)
  }

  @Test("An admin can link another account than the one that was found")
  func otherAccount() {
    var fixture = Fixture.withAccount(.ask)
    fixture.decider.state.load(
      AccountRecord(
        key: .account("42", in: Fixture.workspace), email: "a@acme.example", state: .active, importedAt: Fixture.start))
    let ana = fixture.createUser(Self.ana).id
    #expect(fixture.decide(.linkAccount(AccountLink(account: "42")), on: ana).status == 204)
    #expect(fixture.user(ana)?.state == .active && fixture.user(ana)?.accountID == "42")
    #expect(fixture.held(ana) == nil)
    #expect(fixture.account("42")?.user == ana.user && fixture.account("4711")?.user == nil)
    #expect(fixture.decide(.linkAccount(AccountLink(account: "42")), on: ana).status == 204)
    #expect(fixture.decide(.linkAccount(AccountLink(account: "4711")), on: ana).status == 409)
    #expect(fixture.decide(.linkAccount(AccountLink(account: "none")), on: ana).status == 404)
    #expect(fixture.decide(.unlinkAccount(AccountUnlink()), on: ana).status == 204)
    #expect(fixture.user(ana)?.state == .active && fixture.user(ana)?.accountID == nil)
    #expect(fixture.userSnapshots.last.map { $0.accountID == nil } == true)
    #expect(fixture.decide(.unlinkAccount(AccountUnlink()), on: ana).status == 409)
  }

  @Test("If the policy is to reject, a user with the address or the id of an account is refused with its name, and nothing is changed")
  func reject() {
    var fixture = Fixture.withAccount(.reject)
    for json in [#"{"userName":"ana","emails":[{"value":"ana@acme.example"}]}"#, #"{"userName":"ana","externalId":"ext-ana"}"#] {
      let outcome = fixture.createUser(json).outcome
      #expect(outcome.status == 409)
      #expect(outcome.error.contains("4711"))
    }
    #expect(fixture.userChanges.isEmpty)
    let ben = fixture.createUser(#"{"userName":"ben","emails":[{"value":"ben@acme.example"}]}"#).id
    #expect(fixture.patchUser(#"{"op":"replace","path":"externalId","value":"ext-ana"}"#, on: ben).status == 409)
    #expect(fixture.user(ben)?.version == 1)
  }

  @Test("A deleted user releases the account, and a person who gets the userName of another does not inherit it")
  func release() {
    var fixture = Fixture.withAccount(.verifiedAddress)
    let ana = fixture.createUser(Self.ana).id
    fixture.patchUser(#"{"op":"replace","path":"active","value":false}"#, on: ana)
    let other = fixture.createUser(#"{"userName":"ana","externalId":"ext-other","emails":[{"value":"ana@acme.example"}]}"#)
    #expect(other.id == ana)
    #expect(fixture.user(ana)?.accountID == nil && fixture.user(ana)?.state == .invited)
    #expect(fixture.account("4711")?.user == nil)
    fixture.decide(.deleteUser, on: ana)
    let again = fixture.createUser(Self.ana).id
    #expect(fixture.account("4711")?.user == again.user)
    fixture.decide(.deleteUser, on: again)
    #expect(fixture.account("4711")?.user == nil)
  }

  @Test("A user who waits for the domain, and then for the account, is enabled after both decisions")
  func twoDecisions() {
    var fixture = Fixture.withAccount(.ask, ImportedAccount(id: "1", email: "ben@elsewhere.example"))
    fixture.configure { $0.otherDomains = .hold }
    let ben = fixture.createUser(#"{"userName":"ben","emails":[{"value":"ben@elsewhere.example"}]}"#).id
    #expect(fixture.held(ben)?.kind == .otherDomain)
    #expect(fixture.decideHeld(.approve, on: ben).status == 204)
    #expect(fixture.held(ben)?.kind == .accountMatched && fixture.user(ben)?.state == .disabled)
    #expect(fixture.decideHeld(.approve, on: ben).status == 204)
    #expect(fixture.user(ben)?.state == .active && fixture.user(ben)?.accountID == "1")
  }

  @Test("Accounts are looked up in workspaces that have some, by what commands mention and by users who may be enabled")
  func keys() throws {
    var fixture = Fixture.withAccount(.verifiedAddress)
    let disabled = fixture.createUser(#"{"userName":"ben","active":false,"externalId":"ext-ben","emails":[{"value":"Ben@acme.example"}]}"#)
      .id
    let record = try #require(fixture.user(disabled))
    let commands = [
      fixture.command(.createUser(document: Fixture.user(Self.ana)), on: fixture.id()),
      fixture.command(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":true}"#)), on: disabled),
      fixture.command(
        .patchUser(patch: fixture.patch(#"{"op":"replace","value":{"externalId":"new","emails":[{"value":"c@acme.example"}]}}"#)),
        on: fixture.id()),
    ].map(ParsedCommand.init)
    let writeSet = WriteSet(of: commands)
    var set = WorkingSet()
    let workspace = try #require(fixture.decider.state.workspaces[Fixture.workspace])
    set.load(workspace)
    set.load(record)
    #expect(writeSet.accountKeys(in: set).emails.isEmpty && writeSet.accountKeys(in: set).ids.isEmpty)
    set.load(workspace, hasAccounts: true)
    let keys = writeSet.accountKeys(in: set)
    #expect(keys.emails.map(\.name).sorted() == ["ana", "ana@acme.example", "ben@acme.example", "c@acme.example"])
    #expect(keys.ids.map(\.name).sorted() == ["ext-ana", "ext-ben", "new"])
  }
}

extension AccountLinkingTests {
  @Test("A batch waits for one that writes accounts or mail domains of its workspace, and for parts of its import")
  func overlaps() {
    var fixture = Fixture()
    func writeSet(_ operation: Command.Operation, in workspace: WorkspaceID = Fixture.workspace) -> WriteSet {
      var command = fixture.command(operation, on: fixture.id())
      command.workspace = workspace
      return WriteSet(of: [ParsedCommand(command)])
    }
    let id = CommandID(fixture.id().uuid)
    let line = AccountStaging.Line(number: 1, account: Fixture.account)
    let create = writeSet(.createUser(document: Fixture.user(#"{"userName":"ana"}"#)))
    let elsewhere = writeSet(.createUser(document: Fixture.user(#"{"userName":"ana"}"#)), in: WorkspaceID(fixture.id().uuid))
    for operation in [
      .applyAccounts(AccountChunk(importID: id, lines: [line], users: [])),
      .changeMailDomain(MailDomainChange(domain: "acme.example", action: .assert)),
    ] as [Command.Operation] {
      let set = writeSet(operation)
      #expect(set.overlaps(create) && create.overlaps(set))
      #expect(!set.overlaps(elsewhere) && !elsewhere.overlaps(set))
    }
    let staging = writeSet(.stageAccounts(AccountStaging(importID: id, lines: [line])))
    let start = writeSet(.startAccountImport(AccountImportStart(importID: id, lines: 1)))
    #expect(staging.overlaps(start) && start.overlaps(staging))
    #expect(!staging.overlaps(create))
  }
}
