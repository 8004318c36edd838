import Foundation
import Models
import Postgres
import SCIM
import TestSupport
import Testing

@testable import IdentityStore

@Suite("The audit trail", .timeLimit(.minutes(10)))
struct AuditTests {
  private static let ana = Command.Actor.operator("ana")
  private static let signIn = SignIn(workspace: Fixture.workspace, email: "ben@example.com", user: nil, signedInAt: Fixture.start)
  private static let report = MailEvent(
    workspace: Fixture.workspace, invitation: nil, email: "ben@example.com", event: .bounced, reason: "550 ben@example.com",
    occurredAt: Fixture.start)

  private func command(
    _ operation: Command.Operation, by actor: Command.Actor = ana, in store: StoreDatabase, on resource: ResourceID? = nil
  ) -> Command {
    var command = store.command(operation, on: resource ?? store.workspace.resource)
    command.actor = actor
    return command
  }

  @Test("records the actor and the values before and after, without digests, in the transaction of the change")
  func changes() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: false, signInURL: "https://acme.example/")
    let change = command(.updateWorkspace(settings), in: store)
    let token = TokenID.made(at: Date())
    let digest = String(repeating: "ab", count: 32)
    let issue = command(
      .issueToken(TokenGrant(token: token, name: "Okta", scopes: [.scim], digest: digest, expiresAt: nil)), in: store)
    _ = try await process.execute([change, issue])
    _ = try await process.execute([command(.revokeToken(TokenRevocation(token: token)), in: store), change])
    settings.defaultRole = "nobody"
    _ = try await process.execute([command(.updateWorkspace(settings), in: store)])
    let rows = try await process.pool.query(
      Statement(once: "audit", "select action, actor, target, summary, status::int8, detail from identity_read.audit order by at, action"))
    let actions = try rows.map { try $0.string(0) }
    #expect(actions.sorted() == ["issue-token", "revoke-token", "update-workspace", "update-workspace"])
    for row in rows { #expect(try row.string(1) == "operator:ana") }
    let summaries = try rows.map { try JSON(parsing: try $0.string(3)).object ?? JSONObject() }
    let changed = try #require(summaries.first { $0["before"]?.object?["scimEnabled"] != nil })
    #expect(changed["before"]?.object?["scimEnabled"] == true)
    #expect(changed["after"]?.object?["scimEnabled"] == false)
    #expect(changed["after"]?.object?.count == 1)
    let issued = try #require(rows.first { try $0.string(0) == "issue-token" })
    #expect(try issued.string(2) == "token \(token) 'Okta'")
    let refused = try #require(rows.first { try $0.optionalInt(4) != nil })
    #expect(try refused.optionalInt(4) == 400)
    #expect(try refused.optionalString(5)?.contains("nobody") == true)
    for row in rows { #expect(try !row.string(3).contains(digest)) }
    await process.pool.close()
  }

  @Test("is in the order of time, also for commands whose ids were derived from idempotency keys")
  func order() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    // Version 8: the first bits are those of a hash.
    func derived(_ first: UInt8) -> CommandID {
      var bytes = [UInt8](repeating: 0x81, count: 16)
      (bytes[0], bytes[6]) = (first, 0x80)
      return CommandID(bytes: bytes)
    }
    let scopes: Set<TokenScope> = [.scim]
    let ids: [CommandID?] = [derived(0xFF), nil, derived(0x00)]
    for (number, (name, id)) in zip(["first", "second", "third"], ids).enumerated() {
      var issue = command(
        .issueToken(
          TokenGrant(
            token: .made(at: Date()), name: name, scopes: scopes, digest: String(repeating: "a\(number)", count: 32), expiresAt: nil)),
        in: store)
      if let id { issue.id = id }
      #expect(try await process.execute([issue, issue]).map(\.outcome) == [.done, .done])
      // Ids of one millisecond are in no order.
      let end = Date()
      try await eventually("the next millisecond") { Date().timeIntervalSince(end) > 0.001 }
    }
    let rows = try await process.pool.query(
      Statement(once: "audit", "select target from identity_read.audit where action = 'issue-token' order by command_id"))
    let targets = try rows.map { try $0.string(0) }
    #expect(targets.count == 3)
    for (target, name) in zip(targets, ["first", "second", "third"]) { #expect(target.hasSuffix("'\(name)'"), "\(targets)") }
    await process.pool.close()
  }

  @Test(
    "records commands of people, but neither user writes by tokens nor commands of services",
    arguments: [
      (Command.Operation.updateWorkspace(Fixture.settings), ana, true), (.updateWorkspace(Fixture.settings), .service("x"), false),
      (.updateWorkspace(Fixture.settings), .token(.made(at: Date())), true), (.deleteUser, .token(.made(at: Date())), false),
      (.deleteUser, ana, true), (.deleteGroup, Command.Actor(rawValue: "person:ana"), true), (.deleteGroup, .service("x"), false),
      (.revokeToken(TokenRevocation(token: .made(at: Date()))), .service("scim-api"), true),
      (.updateWorkspace(Fixture.settings), .deploymentToken(.made(at: Date())), true),
      (.promoteUser(signIn), .deploymentToken(.made(at: Date())), false),
      (.promoteUser(signIn), ana, true), (.promoteUser(signIn), .service("invitation-mailer"), false),
      (.reportMail(report), .token(.made(at: Date())), true), (.reportMail(report), .client(.made(at: Date())), true),
    ])
  func audited(_ operation: Command.Operation, _ actor: Command.Actor, _ isAudited: Bool) {
    let command = Command(
      id: .made(at: Date()), workspace: Fixture.workspace, resource: .made(at: Date()), actor: actor, issuedAt: Date(), operation: operation
    )
    #expect(ParsedCommand(command).isAudited == isAudited)
  }

  @Test("identifies people by id, not by the address of a sign-in or a mail")
  func people() throws {
    var fixture = Fixture()
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com"}"#)
    for operation in [Command.Operation.promoteUser(Self.signIn), .promoteUser(Self.signIn), .reportMail(Self.report)] {
      var command = fixture.command(operation, on: Fixture.workspace.resource)
      command.actor = Self.ana
      _ = fixture.decider.decide(ParsedCommand(command))
    }
    let rows = fixture.decider.audited
    #expect(rows.map(\.action) == ["promote-user", "promote-user", "report-mail"])
    #expect(rows.allSatisfy { $0.actor == "operator:ana" && $0.target == "user \(ben)" && !$0.summary.contains("ben@example.com") })
    let outcomes = try rows.map { try JSON(parsing: $0.summary).object?["outcome"]?.string }
    #expect(outcomes == ["promoted", "already-active", nil])
    #expect(rows.last?.summary.contains("bounced") == true)
    var unknown = fixture.command(
      .promoteUser(SignIn(workspace: Fixture.workspace, email: "nobody@example.com", user: nil, signedInAt: Fixture.start)),
      on: fixture.id())
    unknown.actor = Self.ana
    _ = fixture.decider.decide(ParsedCommand(unknown))
    #expect(fixture.decider.audited.last?.target == "nobody known")
    #expect(fixture.decider.audited.last?.summary.contains("nobody@example.com") == false)
  }

  @Test(
    "cannot be changed, not even by the owner of the table",
    arguments: ["update identity.audit set actor = 'x'", "delete from identity.audit", "truncate identity.audit"])
  func appendOnly(_ sql: String) async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    _ = try await process.execute([command(.deleteUser, in: store, on: .made(at: Date()))])
    let error = try await #require(throws: PostgresError.self) { try await process.pool.query(Statement(once: "change", sql)) }
    #expect(error.sqlState == "42501")
    #expect(try await store.count("select count(*) from identity.audit") == 1)
    await process.pool.close()
  }
}

extension Fixture {
  static let settings = WorkspaceSettings(
    slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")
}
