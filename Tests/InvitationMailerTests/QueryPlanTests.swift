import Migrations
import Postgres
import TestSupport
import Testing

@testable import InvitationMailer

@Suite("The query plans of the mailer", .timeLimit(.minutes(10)))
struct QueryPlanTests {
  private struct Query {
    var statement: Statement
    var types: [String]
    var indexes: [String]
  }

  /// The statements that need an index, with the types of their parameters.
  private static let queries = [
    Query(
      statement: EventStatements.load,
      types: ["uuid[]", "int8[]", "int8[]", "uuid[]", "uuid[]", "uuid[]", "uuid[]", "uuid[]", "bytea[]", "bool"],
      indexes: ["workspaces_pkey", "users_pkey", "invitations_by_user", "orders_pkey", "skipped_sign_ins_pkey"]),
    Query(
      statement: EventStatements.withdraw, types: ["uuid[]", "uuid[]", "int8[]", "uuid[]", "text[]", "text[]", "timestamptz"],
      indexes: ["invitations_by_user"]),
    Query(statement: EventStatements.unplanned, types: [], indexes: ["invitations_unplanned"]),
    Query(
      statement: EventStatements.eraseHistory, types: ["uuid[]", "uuid[]"],
      indexes: ["invitations_by_user", "invitation_history_pkey"]),
    Query(
      statement: EventStatements.report, types: ["uuid[]", "uuid[]", "bytea[]", "text[]", "text[]", "timestamptz", "bytea[]"],
      indexes: ["users_by_email", "invitations_by_user", "invitations_pkey"]),
    Query(statement: EventStatements.deleteTemplate, types: ["uuid", "text"], indexes: ["templates_pkey"]),
    Query(
      statement: InvitationStatements.due, types: ["timestamptz", "int8"],
      indexes: ["invitations_due", "users_pkey", "workspaces_pkey"]),
    Query(
      statement: InvitationStatements.digest, types: ["uuid", "uuid", "int8"], indexes: ["invitations_digest", "users_pkey"]),
    Query(
      statement: InvitationStatements.claim, types: ["uuid[]", "uuid[]", "timestamptz", "uuid", "text"], indexes: ["invitations_pkey"]),
    Query(
      statement: InvitationStatements.postpone, types: ["uuid[]", "uuid[]", "timestamptz[]"], indexes: ["invitations_pkey"]),
    Query(
      statement: InvitationStatements.releaseClaims, types: ["timestamptz", "bool", "text", "timestamptz"],
      indexes: ["invitations_due", "invitations_pkey"]),
    Query(
      statement: InvitationStatements.expire, types: ["timestamptz", "int8"], indexes: ["invitations_due", "invitations_pkey"]),
    Query(
      statement: InvitationStatements.record,
      types: [
        "uuid[]", "uuid[]", "text[]", "text[]", "text[]", "timestamptz[]", "int8[]", "int8[]", "timestamptz[]", "bool[]", "timestamptz",
        "bytea[]", "text[]", "bytea[]",
      ], indexes: ["invitations_pkey"]),
    Query(
      statement: InvitationStatements.pending, types: ["timestamptz"],
      indexes: ["invitations_due", "notices_due", "notices_sending", "alerts_due", "alerts_sending"]),
    Query(
      statement: SignInStatements.states, types: ["uuid[]", "bytea[]", "uuid[]", "uuid[]"],
      indexes: ["users_by_name", "users_by_email", "users_pkey"]),
    Query(
      statement: NoticeStatements.create, types: ["timestamptz", "timestamptz", "timestamptz"],
      indexes: ["held_changes_untold", "notices_by_time"]),
    Query(statement: NoticeStatements.claim, types: ["timestamptz", "text"], indexes: ["notices_due", "notices_pkey"]),
    Query(
      statement: NoticeStatements.releaseClaims, types: ["timestamptz", "bool", "text", "timestamptz"],
      indexes: ["notices_sending", "alerts_sending"]),
    Query(statement: AlertStatements.claim, types: ["timestamptz", "text"], indexes: ["alerts_due", "alerts_pkey", "workspaces_pkey"]),
    Query(statement: NoticeStatements.counts, types: ["uuid", "uuid"], indexes: ["held_changes_by_notice"]),
    Query(statement: NoticeStatements.eraseNames, types: ["uuid[]", "uuid[]"], indexes: ["held_changes_by_resource"]),
  ]

  /// Indexes that keep rows unique: of tables that are read as a whole, or written with `on conflict`, or used by other targets.
  private static let uniqueIndexes: Set = [
    "held_changes_pkey", "origin_pkey", "outbox_pkey", "dead_letters_pkey", "consumer_offsets_pkey", "skipped_messages_pkey",
  ]

  @Test func `Every frequent statement uses indexes, and every index is needed by one`() async throws {
    let database = try await MailerDatabase.start()
    let owner = try await database.owner()
    try await fill(owner)
    var needed = Self.uniqueIndexes
    for query in Self.queries {
      let plan = try await plan(query, on: database)
      for index in query.indexes { #expect(plan.contains(index), "\(query.statement.name) without \(index):\n\(plan)") }
      #expect(!plan.contains("Seq Scan on") || query.statement == EventStatements.load, "\(query.statement.name):\n\(plan)")
      needed.formUnion(query.indexes)
    }
    let indexes = try await owner.query(
      Statement(once: "indexes", "select indexname::text from pg_indexes where schemaname = 'mailer'"))
    #expect(Set(try indexes.map { try $0.string(0) }) == needed)
    await owner.close()
  }

  /// As the service plans it: generic, and by index.
  private func plan(_ query: Query, on database: MailerDatabase) async throws -> String {
    try await database.pool.withExclusiveConnection { session in
      for setting in ["plan_cache_mode = force_generic_plan", "enable_seqscan = off", "enable_hashjoin = off", "enable_mergejoin = off"] {
        _ = try await session.query(Statement(once: "setting", "set \(setting)"))
      }
      let types = query.types.isEmpty ? "" : " (\(query.types.joined(separator: ", ")))"
      let values = query.types.isEmpty ? "" : "(\(query.types.map { _ in "null" }.joined(separator: ", ")))"
      _ = try await session.query(Statement(once: "prepare", "prepare planned\(types) as \(query.statement.sql)"))
      let rows = try await session.query(Statement(once: "explain", "explain (costs off) execute planned\(values)"))
      return try rows.map { try $0.string(0) }.joined(separator: "\n")
    }
  }

  /// Many accepted invitations, and some that wait.
  private func fill(_ owner: PostgresPool) async throws {
    for sql in [
      """
      insert into mailer.workspaces (workspace_id, settings, version)
      select gen_random_uuid(), '{}', 1 from generate_series(1, 20)
      """,
      """
      insert into mailer.users (workspace_id, user_id, version, state, name_key, email_key)
      select workspace_id, gen_random_uuid(), 1, 'active', sha256(n::text::bytea), sha256(n::text::bytea)
      from mailer.workspaces, generate_series(1, 500) n
      """,
      """
      insert into mailer.invitations (
        workspace_id, id, user_id, user_version, state, created_at, is_digest, expires_at, next_attempt_at)
      select
        workspace_id, gen_random_uuid(), user_id, 1, case when n % 10 = 0 then 'sent' else 'accepted' end, now(), n % 20 = 0,
        now() + interval '30 days', case when n % 10 = 0 then now() + interval '3 days' end
      from (select *, row_number() over () as n from mailer.users) u
      """,
      """
      insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
      select workspace_id, id, now(), 'sent', '' from mailer.invitations
      """,
      """
      insert into mailer.notices (workspace_id, id, state, made_at, changed_at)
      select workspace_id, gen_random_uuid(), 'sent', now(), now() from mailer.workspaces, generate_series(1, 50)
      """,
      """
      insert into mailer.held_changes (workspace_id, id, kind, resource_id, leaving, held_at, noted_at, notice_id)
      select workspace_id, gen_random_uuid(), 'user-disabled', gen_random_uuid(), 1, now(), now(), id
      from mailer.notices, generate_series(1, 5)
      """,
      """
      insert into mailer.alerts (workspace_id, id, kind, details, state, made_at, changed_at)
      select workspace_id, gen_random_uuid(), 'webhook-disabled', '{}', 'sent', now(), now() from mailer.workspaces, generate_series(1, 50)
      """,
      "analyze",
    ] { _ = try await owner.query(Statement(once: "fill", sql)) }
  }
}
