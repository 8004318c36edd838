import Foundation
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("A database without invitation histories", .timeLimit(.minutes(10)))
struct UpgradeTests {
  @Test func `keeps its invitations and their states`() async throws {
    let server = try await PostgresServer.shared()
    let name = try await server.createDatabase(migrations: SchemaMigrations.identity + SchemaMigrations.mailer.prefix(1))
    let owner = PostgresPool(
      PostgresConfiguration(url: server.url(database: name), connections: 1, applicationName: "test"), logger: .silent)
    let rows = [("pending", "null"), ("sent", "'2026-01-31 09:05:07+00'"), ("failed", "null"), ("cancelled", "null")]
    _ = try await owner.query(
      Statement(
        once: "workspace",
        "insert into mailer.workspaces values ('\(WorkspaceID.acme)', 'Acme Data', 'https://acme.example.com/sign-in', 4)"))
    for (index, (state, sentAt)) in rows.enumerated() {
      let user = UserID.made(at: .sample)
      _ = try await owner.query(
        Statement(
          once: "user \(index)",
          """
          insert into mailer.users (workspace_id, user_id, version, state, email)
          values ('\(WorkspaceID.acme)', '\(user)', 1, 'invited', 'person\(index)@example.com')
          """))
      _ = try await owner.query(
        Statement(
          once: "invitation \(index)",
          """
          insert into mailer.invitations (workspace_id, id, user_id, user_version, state, next_attempt_at, created_at, sent_at)
          values (
            '\(WorkspaceID.acme)', '\(InvitationID.made(at: .sample))', '\(user)', \(index + 1), '\(state)', '2026-01-31 09:05:07+00',
            '2026-01-31 09:05:07+00', \(sentAt))
          """))
    }
    _ = try await Migrator.apply(SchemaMigrations.all, on: owner, logger: .silent)
    let states = Statement(once: "states", "select state from mailer.invitations order by user_version")
    #expect(try await owner.query(states).map { try $0.string(0) } == ["scheduled", "sent", "failed", "revoked"])
    let store = InvitationStore(pool: owner)
    let due = try await owner.withExclusiveConnection { try await store.due(atMost: 10, at: .sample, in: $0).due }
    #expect(due.map(\.recipient.email) == ["person0@example.com"])
    #expect(try await store.workspace(.acme)?.settings.name == "Acme Data")
    #expect(try await store.workspace(.acme)?.settings.signInURL == "https://acme.example.com/sign-in")
    // The next event of the workspace replaces the migrated settings.
    let events = EventStore(pool: owner)
    _ = try await events.apply([try IdentityEvent.workspace(name: "New", version: 5).received()], at: .sample)
    #expect(try await store.workspace(.acme)?.settings.name == "New")
    await owner.close()
  }

  @Test func `keeps what is due, what expires and what was being sent when histories were written by triggers`() async throws {
    let server = try await PostgresServer.shared()
    let name = try await server.createDatabase(migrations: SchemaMigrations.identity + SchemaMigrations.mailer.prefix(9))
    let owner = PostgresPool(
      PostgresConfiguration(url: server.url(database: name), connections: 1, applicationName: "test"), logger: .silent)
    func execute(_ sql: String) async throws { _ = try await owner.query(Statement(once: "test", sql)) }
    try await execute(
      "insert into mailer.workspaces (workspace_id, settings, version) values ('\(WorkspaceID.acme)', '{}', 1)")
    let rows = [
      ("scheduled", "'2026-01-31 09:05:07+00'", "null"), ("sending", "null", "'2026-03-01 00:00:00+00'"),
      ("sent", "'2026-02-03 00:00:00+00'", "'2026-03-01 00:00:00+00'"), ("delivered", "null", "'2026-03-01 00:00:00+00'"),
      ("accepted", "null", "'2026-03-01 00:00:00+00'"),
    ]
    for (index, (state, due, expiry)) in rows.enumerated() {
      let user = UserID.made(at: .sample)
      try await execute(
        "insert into mailer.users (workspace_id, user_id, version, state) values ('\(WorkspaceID.acme)', '\(user)', 1, 'invited')")
      try await execute(
        """
        insert into mailer.invitations (
          workspace_id, id, user_id, user_version, state, next_attempt_at, expires_at, created_at, changed_at, claimed_by)
        values (
          '\(WorkspaceID.acme)', '\(InvitationID.made(at: .sample))', '\(user)', \(index), '\(state)', \(due), \(expiry),
          '2026-01-31 09:05:07+00', '2026-01-31 09:05:07+00', 'invitation-mailer/0')
        """)
    }
    _ = try await Migrator.apply(SchemaMigrations.all, on: owner, logger: .silent)
    // The console shows the same next mails as before, and the histories.
    let shown = try await owner.query(
      Statement(
        once: "shown",
        """
        select shown.next_attempt_at is not null
        from mailer_read.invitations shown
        join mailer.invitations i using (workspace_id, id)
        order by i.user_version
        """))
    #expect(try shown.map { try $0.bool(0) } == [true, false, true, false, false])
    let history = try await owner.query(Statement(once: "history", "select count(*) from mailer_read.invitation_history"))
    #expect(try history.first?.int(0) == 5)
    let store = InvitationStore(pool: owner)
    let now = Date.sample.adding(seconds: 1)
    let counts = try await owner.withExclusiveConnection { session in
      let released = try await store.releaseClaims(heldBy: "invitation-mailer/0", at: now, in: session)
      let due = try await store.due(atMost: 10, at: now, in: session).due.count
      let expired = try await store.expire(at: now, in: session)
      return [released, due, expired, try await store.expire(at: .sample.adding(days: 40), in: session)]
    }
    #expect(counts == [1, 2, 0, 3])
    await owner.close()
  }
}
