import Foundation
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Erasure of deleted users", .timeLimit(.minutes(10)))
struct ErasureTests {
  @Test("Only what remains of a deleted user can be erased")
  func decision() {
    var fixture = Fixture()
    let ana = fixture.createUser(#"{"userName":"ana@example.com"}"#).id
    #expect(fixture.decide(.eraseUser, on: ana).status == 409)
    #expect(fixture.decide(.deleteUser, on: ana).status == 204)
    #expect(fixture.decide(.eraseUser, on: ana).status == 204)
    #expect(fixture.decide(.eraseUser, on: fixture.id()).status == 404)
    let group = fixture.createGroup("Data").id
    #expect(fixture.decide(.deleteGroup, on: group).status == 204)
    #expect(fixture.decide(.eraseUser, on: group).status == 404)
  }

  /// A deleted user with rows in all schemas, and another user with the same.
  private func prepared() async throws -> (store: StoreDatabase, erased: ResourceID, other: ResourceID) {
    let store = try await StoreDatabase.start(migrations: SchemaMigrations.all)
    let (erased, other) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let process = store.process()
    _ = try await process.execute([store.createUser("ana@example.com", on: erased), store.createUser("ben@example.com", on: other)])
    let owner = PostgresPool(
      PostgresConfiguration(
        url: store.url, connections: 1, statementTimeout: PostgresServer.testTimeout, applicationName: "test",
        maximumWait: PostgresServer.testTimeout),
      logger: quiet)
    for (user, name) in [(erased, "ana@example.com"), (other, "ben@example.com")] {
      let parameters: [PostgresValue] = [.uuid(store.workspace.uuid), .uuid(user.uuid), .text(name)]
      for sql in Self.rows { _ = try await owner.query(Statement(once: "row", sql), parameters) }
    }
    await owner.close()
    return (store, erased, other)
  }

  /// Rows about a user. Parameters: workspace, user, userName.
  private static let rows = [
    """
    insert into identity.provisioning_log (workspace_id, id, status, failed, resource_type, resource_id, name_key, entry)
    values ($1, $2, 201, false, 'User', $2, $3, json_build_object('body', $3)::text)
    """,
    // A creation that was refused before: it has the name, and no id.
    """
    insert into identity.provisioning_log (workspace_id, id, status, failed, resource_type, name_key, entry)
    values ($1, overlay($2::text placing 'ffff' from 33 for 4)::uuid, 400, true, 'User', $3, json_build_object('body', $3)::text)
    """,
    """
    insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary, status, detail)
    values ($1, $2, now(), 'operator:eve', 'order-invitation', 'user ' || $2::text, json_build_object('name', $3)::text, 400, $3)
    """,
    """
    insert into mailer.invitations (workspace_id, id, user_id, user_version, state, answer, reason, created_at)
    values ($1, $2, $2, 1, 'bounced', '550 ' || $3, 'bounced: ' || $3, now())
    """,
    """
    insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason) values ($1, $2, now(), 'bounced', '550 ' || $3)
    """,
    """
    insert into directory.events (position, workspace_id, sequence, id, type, data)
    select
      n, $1, n, $2::text || '/1/member.invited', 'member.invited',
      json_build_object(
        'changedAt', '2026-01-31T09:30:00.000Z', 'member', json_build_object('id', $2::text, 'userName', $3, 'version', 1), 'sequence', n,
        'type', 'member.invited', 'workspace', $1::text)::text
    from (select count(*) + 1 as n from directory.events) c
    """,
    """
    insert into directory.dead_letters (kind, topic, headers, payload, size, error, attempts)
    values ('message', 'identity.events', '{}', convert_to(json_build_object('id', $2::text, 'userName', $3)::text, 'UTF8'), 1, 'x', 1)
    """,
  ]

  /// Every text about the users in the tables of ``rows``.
  private static let texts = """
    select string_agg(t, ' ')
    from (
      select l.entry || coalesce(l.name_key, '') from identity.provisioning_log l
      union all
      select a.summary || coalesce(a.detail, '') from identity.audit a where a.action <> 'create-workspace'
      union all
      select coalesce(i.answer, '') || i.reason from mailer.invitations i
      union all
      select h.reason from mailer.invitation_history h
      union all
      select e.data from directory.events e
      union all
      select convert_from(d.payload, 'UTF8') from directory.dead_letters d
    ) x (t)
    """

  @Test("An erasure removes the personal data of the user from all schemas, and nothing of others")
  func erasure() async throws {
    let (store, erased, other) = try await prepared()
    let process = store.process()
    _ = try await process.execute([store.command(.deleteUser, on: erased)])
    _ = try await process.execute([store.command(.eraseUser, on: erased)])
    var runner = ErasureRunner(pool: process.pool, logger: quiet)
    #expect(try await runner.runNext() == false, "what was in flight has a minute to arrive")
    runner.delay = .zero
    #expect(try await runner.runNext() == true)
    #expect(try await runner.runNext() == false)

    let texts = try await store.text(Self.texts)
    #expect(!texts.contains("ana@example.com") && texts.contains("ben@example.com"))
    #expect(try await store.count("select count(*) from identity.provisioning_log") == 2)
    #expect(try await store.count("select count(*) from directory.events") == 2, "sequences have no gaps")
    #expect(try await store.count("select count(*) from directory.dead_letters") == 1)
    #expect(try await store.count("select count(*) from identity.tombstones where user_name_hash is null") == 1)
    #expect(
      try await store.text("select summary || detail from identity.audit where target = 'user \(erased)' and action = 'order-invitation'")
        == #"{"erased":true}Erased."#)
    let data = try await store.text("select data from directory.events where id like '\(erased)%'")
    let event = try DirectoryEvent(id: "1", data: Array(data.utf8))
    #expect(event.type == .memberInvited && event.sequence == 1 && event.member?.id == erased.user && event.member?.version == 1)
    #expect(event.member?.userName == nil)
    let finished = try await store.text(
      "select erased::text from identity.erasures where user_id = '\(erased)' and finished_at is not null")
    #expect(finished.contains("\"requests\" : 2") && finished.contains("\"events\" : 1"), "\(finished)")
    #expect(try await store.count("select count(*) from identity.users where id = '\(other)'") == 1)
    await process.pool.close()
  }

  @Test("An erasure that fails is recorded with its reason, and does not delay others")
  func failure() async throws {
    let (store, erased, other) = try await prepared()
    let process = store.process()
    _ = try await process.execute([store.command(.deleteUser, on: erased)])
    _ = try await process.execute([store.command(.eraseUser, on: erased)])
    // As if the row had been written by hand: the user exists.
    _ = try await process.pool.query(
      Statement(
        once: "request", "insert into identity.erasures (workspace_id, user_id, requested_by, requested_at) values ($1, $2, 'x', $3)"),
      [.uuid(store.workspace.uuid), .uuid(other.uuid), .timestamp(Date(timeIntervalSinceNow: -3600))])
    let runner = ErasureRunner(pool: process.pool, logger: quiet, delay: .zero)
    #expect(try await runner.runNext() == true)
    #expect(try await runner.runNext() == true)
    #expect(try await runner.runNext() == false)
    #expect(try await store.text("select problem from identity.erasures where user_id = '\(other)'").contains("is not deleted"))
    #expect(try await store.count("select count(*) from identity.erasures where user_id = '\(erased)' and finished_at is not null") == 1)
    await process.pool.close()
  }

  @Test("A repeated request is one erasure while it waits, and another one after it is finished")
  func repetition() async throws {
    let (store, erased, _) = try await prepared()
    let process = store.process()
    _ = try await process.execute([store.command(.deleteUser, on: erased)])
    for _ in 0..<2 { _ = try await process.execute([store.command(.eraseUser, on: erased)]) }
    let runner = ErasureRunner(pool: process.pool, logger: quiet, delay: .zero)
    #expect(try await runner.runNext() == true)
    #expect(try await runner.runNext() == false)
    _ = try await process.execute([store.command(.eraseUser, on: erased)])
    #expect(try await runner.runNext() == true)
    await process.pool.close()
  }

  @Test("Not even the owner changes the audit trail in another way")
  func appendOnly() async throws {
    let (store, _, _) = try await prepared()
    let process = store.process()
    let error = await #expect(throws: PostgresError.self) {
      _ = try await process.pool.query(Statement(once: "change", "update identity.audit set summary = ''"))
    }
    #expect(error?.sqlState == "42501")
    await process.pool.close()
  }
}
