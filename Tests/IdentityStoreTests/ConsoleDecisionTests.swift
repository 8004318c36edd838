import Foundation
import Models
import Postgres
import Testing

@testable import IdentityStore

@Suite("Decisions on console sessions", .timeLimit(.minutes(10)))
struct ConsoleDecisionTests {
  private static let (first, second, third) = (
    String(repeating: "a", count: 64), String(repeating: "b", count: 64), String(repeating: "c", count: 64)
  )
  private static let hour: TimeInterval = 3600

  private func issue(
    _ fixture: inout Fixture, _ kind: TokenKind, scopes: Set<TokenScope> = [.admin], until end: Date? = Fixture.start + 12 * hour,
    with opener: TokenID? = nil
  ) -> (id: TokenID, outcome: Reply.Outcome) {
    let id = TokenID(fixture.id().uuid)
    let grant = TokenGrant(
      token: id, kind: kind, name: "Ana", scopes: scopes, digest: Self.first, expiresAt: end, openedWith: opener)
    return (id, fixture.decide(.issueToken(grant), on: Fixture.workspace.resource))
  }

  private func record(_ id: TokenID, _ fixture: Fixture) -> TokenRecord? {
    fixture.decider.state.tokens[ResourceKey(workspace: Fixture.workspace, id: id.resource)]
  }

  @Test("A session is opened with an admin token, and lasts at most 12 hours and no longer than the token")
  func token() throws {
    var fixture = Fixture()
    let short = issue(&fixture, .token, until: Fixture.start + 60).id
    let long = issue(&fixture, .token, until: nil).id
    let session = issue(&fixture, .session, with: short)
    #expect(session.outcome.status == 204)
    #expect(record(session.id, fixture)?.expiresAt == Fixture.start + 60)
    #expect(record(session.id, fixture)?.openedWith == short && record(session.id, fixture)?.kind == .session)
    let days = issue(&fixture, .session, until: Fixture.start + 30 * 86_400, with: long).id
    #expect(record(days, fixture)?.expiresAt == Fixture.start + 12 * Self.hour)
  }

  @Test("A link opens one session, and the error of a second attempt says so")
  func link() {
    var fixture = Fixture()
    let link = issue(&fixture, .link, until: Fixture.start + 600).id
    #expect(issue(&fixture, .session, with: link).outcome.status == 204)
    #expect(record(link, fixture)?.revokedAt == Fixture.start)
    let again = issue(&fixture, .session, with: link)
    #expect(again.outcome.status == 403)
    #expect(again.outcome.error.contains("used already"))
    #expect(record(again.id, fixture) == nil)
  }

  @Test("Of two commands in one batch only one opens a session with a link")
  func together() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let link = TokenID.made(at: Date())
    func grant(_ kind: TokenKind, _ id: TokenID, _ digest: String, with opener: TokenID? = nil) -> Command {
      store.command(
        .issueToken(
          TokenGrant(
            token: id, kind: kind, name: "Ana", scopes: [.admin], digest: digest, expiresAt: Date() + 600, openedWith: opener)),
        on: store.workspace.resource)
    }
    #expect(try await process.execute([grant(.link, link, Self.first)]).map(\.outcome.status) == [204])
    let replies = try await process.execute([
      grant(.session, .made(at: Date()), Self.second, with: link), grant(.session, .made(at: Date()), Self.third, with: link),
    ])
    #expect(replies.map(\.outcome.status).sorted() == [204, 403])
    #expect(try await store.count("select count(*) from identity.tokens where kind = 'session'") == 1)
    #expect(
      try await store.text("select opened_with::text from identity_read.tokens where kind = 'session' and revoked_at is null")
        == link.description)
    await process.pool.close()
  }

  @Test("A token that is revoked, expired, unknown, or of another scope or kind opens no session")
  func invalid() {
    var fixture = Fixture()
    let revoked = issue(&fixture, .token, until: nil).id
    fixture.decide(.revokeToken(TokenRevocation(token: revoked)), on: Fixture.workspace.resource)
    let session = issue(&fixture, .session, with: issue(&fixture, .token, until: nil).id).id
    for (opener, status, mention) in [
      (revoked, 403, "revoked"), (issue(&fixture, .token, until: Fixture.start).id, 403, "expired"),
      (issue(&fixture, .link, until: Fixture.start).id, 403, "expired"),
      (issue(&fixture, .token, scopes: [.scim], until: nil).id, 403, "scope admin"),
      (issue(&fixture, .client, until: nil).id, 403, "scope admin"), (session, 403, "scope admin"),
      (TokenID.made(at: Fixture.start), 404, "token"),
    ] {
      let opened = issue(&fixture, .session, with: opener)
      #expect(opened.outcome.status == status)
      #expect(opened.outcome.error.contains(mention), "\(opened.outcome.error)")
      #expect(record(opened.id, fixture) == nil)
    }
    #expect(issue(&fixture, .session, until: nil).outcome.status == 400)
    #expect(issue(&fixture, .session, scopes: [.admin, .scim]).outcome.status == 400)
    #expect(issue(&fixture, .link, until: Fixture.start + 2 * 86_400).outcome.status == 400)
    #expect(issue(&fixture, .token, with: session).outcome.status == 400)
    // The user was authenticated by a proxy.
    #expect(issue(&fixture, .session).outcome.status == 204)
  }

  @Test(
    "A session's secret is rotated by presenting it: of two concurrent rotations one succeeds, and the former secret stays valid for a while"
  )
  func rotation() throws {
    var fixture = Fixture()
    let session = issue(&fixture, .session).id
    func rotate(_ present: String, _ next: String) -> Int {
      fixture.decide(
        .rotateSecret(SecretRotation(client: session, replacing: present, digest: next, formerUntil: Fixture.start + 60)),
        on: Fixture.workspace.resource
      ).status
    }
    #expect(rotate(Self.third, Self.second) == 409)
    #expect(rotate(Self.first, Self.second) == 204)
    let bytes = { (byte: UInt8) in [UInt8](repeating: byte, count: 32) }
    #expect(try #require(record(session, fixture)).former?.digest == bytes(0xAA))
    // The response with the second secret was lost, so the client rotates again with the first one.
    #expect(rotate(Self.first, Self.third) == 204)
    let rotated = try #require(record(session, fixture))
    #expect(rotated.digest == bytes(0xCC) && rotated.former?.digest == bytes(0xAA))
    #expect(rotate(Self.second, Self.first) == 409)
  }

  @Test("The audit trail records sign-ins and sign-outs, the credential and the session of each change, but no rotations")
  func audit() {
    var fixture = Fixture()
    let token = issue(&fixture, .token, until: nil).id
    let session = TokenID(fixture.id().uuid)
    let actor = Command.Actor.console("Ana")
    func send(_ operation: Command.Operation, by actor: Command.Actor) {
      var command = fixture.command(operation, on: Fixture.workspace.resource)
      command.actor = actor
      if case .revokeToken = operation { command.session = session }
      #expect(fixture.decider.decide(ParsedCommand(command)).outcome.status == 204)
    }
    send(
      .issueToken(
        TokenGrant(
          token: session, kind: .session, name: "Ana", scopes: [.admin], digest: Self.first, expiresAt: Fixture.start + 60,
          openedWith: token)), by: actor)
    send(.rotateSecret(SecretRotation(client: session, digest: Self.second, formerUntil: nil)), by: .service("scim-api"))
    send(.revokeToken(TokenRevocation(token: session)), by: actor)
    #expect(fixture.decider.audited.map(\.action) == ["issue-token", "revoke-token"])
    // Two tokens can have the same name: their ids distinguish them.
    let summaries = fixture.decider.audited.map(\.summary)
    #expect(summaries.first?.contains(#""openedWith":"\#(token)""#) == true && summaries.first?.contains(#""session""#) == false)
    #expect(summaries.last?.contains(#""session":"\#(session)""#) == true)
    #expect(fixture.decider.audited.allSatisfy { $0.actor == "console:Ana" && $0.target == "session \(session) 'Ana'" })
  }

  @Test("Only sessions and links are deleted, some days after their expiry")
  func trimming() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    _ = try await process.pool.query(
      Statement(
        once: "rows",
        """
        insert into identity.tokens (workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, kind)
        select '\(store.workspace)', gen_random_uuid(), kind || days, sha256((kind || days)::bytea), '{admin}', now() - make_interval(days => days),
          'operator:test', now(), kind
        from unnest(array['token', 'client', 'session', 'link']) kind
        cross join unnest(array[1, 6, 8, 30]) days
        """))
    let trimming = RowTrimming(rows: .sessions, pool: process.pool, logger: quiet)
    #expect(try await trimming.trim() == 4)
    #expect(try await trimming.trim() == 0)
    #expect(
      try await store.text("select string_agg(name, ' ' order by name) from identity.tokens where kind in ('session', 'link')")
        == "link1 link6 session1 session6")
    #expect(try await store.count("select count(*) from identity.tokens where kind in ('token', 'client')") == 8)
    await process.pool.close()
  }
}
