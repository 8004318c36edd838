import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Row-level security", .timeLimit(.minutes(10)))
struct RowSecurityTests {
  /// The views that scim-api reads.
  private static let views = [
    "workspaces", "tokens", "users", "groups", "memberships", "replies", "tombstones", "totals", "state_totals", "modifications",
    "webhook_endpoints", "workspace_rebuilds",
  ]

  @Test("The role of scim-api sees only rows of the current workspace, and none without one")
  func views() async throws {
    let store = try await StoreBuilder.start()
    try await store.fillEveryTable()
    let other = WorkspaceID.made(at: Date())
    try await store.write("insert into identity.workspaces values ($1, 'other', '{}', 1, now(), now())", [.uuid(other.uuid)])
    for view in Self.views {
      let count = Statement(once: "count", "select count(*) from identity_read.\(view)")
      func rowCount(under setting: LocalSetting?) async throws -> Int? { try await store.reader.query(count, under: setting).first?.int(0) }
      #expect(try await rowCount(under: nil) == 0, "\(view)")
      #expect(try await rowCount(under: .inForce(store.workspace)) ?? 0 > 0, "\(view)")
      // The other workspace has only its own row.
      #expect(try await rowCount(under: .inForce(other)) == (view == "workspaces" ? 1 : 0), "\(view)")
      #expect(try await rowCount(under: .inForce(.made(at: Date()))) == 0, "\(view)")
      // A setting for one statement does not apply to the next one on the connection.
      #expect(try await rowCount(under: nil) == 0, "\(view)")
      let snapshot = try await store.reader.snapshot(under: .inForce(store.workspace))
      for _ in 0..<2 { #expect(try await snapshot.query(count).first?.int(0) ?? 0 > 0, "\(view)") }
    }
    let byEmail = Statement(once: "email", "select count(*) from identity_read.users_by_other_email(array[$1])")
    let key = PostgresValue.text("\(store.workspace) second@example.com")
    #expect(try await store.reader.query(byEmail, [key]).first?.int(0) == 0)
    #expect(try await store.reader.query(byEmail, [key], under: .inForce(store.workspace)).first?.int(0) == 1)
    #expect(try await store.reader.query(byEmail, [key], under: .inForce(other)).first?.int(0) == 0)
    await store.close()
  }

  @Test("The list of all workspaces has no settings, is bounded, and is for the role of scim-api alone")
  func workspaceList() async throws {
    let store = try await StoreBuilder.start()
    for slug in ["globex", "initech"] {
      try await store.write(
        "insert into identity.workspaces values ($1, $2, $3, 1, now(), now())",
        [.uuid(UUID()), .text(slug), .json(Array(#"{"name":"N","plan":"team","signInURL":"https://secret.example"}"#.utf8))])
    }
    let list = Statement(once: "list", "select row_to_json(w)::text from identity_read.workspaces_by_slug($1, $2::int8) w")
    let rows = try await store.reader.query(list, [.text("acme"), .int(10)]).map { try $0.string(0) }
    #expect(rows.count == 2 && rows[0].contains("globex") && rows[1].contains("initech"))
    #expect(rows.allSatisfy { !$0.contains("secret") })
    #expect(try await store.reader.query(list, [.text(""), .int(1)]).count == 1)
    for role in ["identity_store", "group_sync"] {
      let pool = store.pool(role)
      let error = await #expect(throws: PostgresError.self, "\(role)") { try await pool.query(list, [.text(""), .int(1)]) }
      #expect(error?.sqlState == "42501")
      await pool.close()
    }
    await store.close()
  }

  @Test("A statement that names another workspace than the current one finds nothing")
  func statements() async throws {
    let store = try await StoreBuilder.start()
    let users = try await store.insertUsers(["ana"])
    let statement = ResourceStatements.one(.user, withRows: true)
    let parameters: [PostgresValue] = [.uuid(store.workspace.uuid), .uuid(users[0].uuid)]
    #expect(try await store.database.query(statement, parameters, in: store.workspace).count == 1)
    #expect(try await store.database.query(statement, parameters, in: .made(at: Date())).isEmpty)
    #expect(try await store.database.search(statement, parameters, in: .made(at: Date())).isEmpty)
    #expect(try await store.database.snapshot(of: .made(at: Date())).query(statement, parameters).isEmpty)
    await store.close()
  }

  @Test("Every table has row-level security, and every view is a security invoker")
  func everything() async throws {
    let store = try await StoreBuilder.start()
    let open = try await store.owner.query(
      Statement(
        once: "tables",
        """
        select c.relname
        from pg_class c
        where c.relnamespace = 'identity'::regnamespace
        and c.relkind in ('r', 'p')
        and not c.relispartition
        and not c.relrowsecurity
        """))
    // The tables that do not belong to a workspace.
    #expect(
      Set(try open.map { try $0.string(0) })
        == ["domains", "domain_changes", "signing_keys", "consumer_offsets", "skipped_messages"])
    let invokedByOwner = try await store.owner.query(
      Statement(
        once: "views",
        """
        select c.relname
        from pg_class c
        where c.relnamespace = 'identity_read'::regnamespace
        and c.relkind = 'v'
        and not coalesce('security_invoker=true' = any (c.reloptions), false)
        """))
    // The views of those tables and of the outbox.
    #expect(
      Set(try invokedByOwner.map { try $0.string(0) })
        == ["domains", "domain_changes", "signing_keys", "outbox_state", "waiting_events", "skipped_messages", "rebuilds"])
    await store.close()
  }

  @Test("The role of scim-api cannot access tables, write or switch roles; the operator's role reads everything and cannot write")
  func rights() async throws {
    let store = try await StoreBuilder.start()
    _ = try await store.insertUsers(["ana", "ben"])
    for sql in [
      "select count(*) from identity.users", "update identity_read.users set role = 'admin'", "delete from identity_read.tokens",
      "insert into identity_read.tombstones select * from identity_read.tombstones", "set role rollcall_store",
      "set role rollcall_operator", "select secret from identity.webhook_endpoints",
      "alter table identity.users disable row level security",
    ] {
      let error = await #expect(throws: PostgresError.self, "\(sql)") {
        try await store.reader.query(Statement(once: "attempt", sql), under: .inForce(store.workspace))
      }
      #expect(error?.sqlState == "42501", "\(sql): \(error.map { "\($0)" } ?? "")")
    }
    // If the role disables row_security, every read fails.
    await #expect(throws: PostgresError.self) {
      try await store.reader.transaction { transaction in
        _ = try await transaction.query(Statement(once: "off", "set local row_security = off"))
        _ = try await transaction.query(Statement(once: "read", "select count(*) from identity_read.users"))
      }
    }
    let scimctl = store.pool("scimctl")
    let count = Statement(once: "count", "select count(*) from identity_read.users")
    #expect(try await scimctl.query(count).first?.int(0) == 2)
    await #expect(throws: PostgresError.self) {
      try await scimctl.query(Statement(once: "attempt", "update identity_read.users set role = 'admin'"))
    }
    await scimctl.close()
    let writer = store.pool("identity_store")
    let update = Statement(once: "update", "update identity.users set version = version + 1 returning id")
    #expect(try await writer.query(update).count == 2)
    await writer.close()
    await store.close()
  }

  @Test("A secondary address is found by index within the workspace")
  func otherEmail() async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 5000, groups: 10)
    // The body of the function, as its owner runs it with the settings of the edge's connections.
    let plan = try await store.owner.transaction { transaction in
      for setting in ["plan_cache_mode = force_generic_plan", "enable_seqscan = off"] {
        _ = try await transaction.query(Statement(once: "set", "set local \(setting)"))
      }
      let rows = try await transaction.query(
        Statement(
          once: "explain",
          """
          explain (costs off)
          select u.id
          from identity.users u
          where u.workspace_id::text = current_setting('rollcall.workspace', true)
          and u.other_email_keys @> array['a']
          """))
      return try rows.map { try $0.string(0) }.joined(separator: "\n")
    }
    #expect(plan.contains("Bitmap Index Scan on users_by_other_email"), "\(plan)")
    await store.close()
  }
}

extension StoreBuilder {
  /// A pool for another role.
  func pool(_ role: String, planning: PostgresConfiguration.Planning = .adaptive) -> PostgresPool {
    PostgresPool(
      PostgresConfiguration(
        url: server.url(database: name, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
        applicationName: "SCIMAPITests", maximumWait: PostgresServer.testTimeout, planning: planning),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// Inserts a row of the workspace into each table that scim-api reads.
  fileprivate func fillEveryTable() async throws {
    let users = try await insertUsers(["ana", "ben"])
    let groups = try await insertGroups(["Data team"])
    try await insertMembership(group: groups[0], user: users[0])
    try await insertTombstone(of: .made(at: Date()), named: "ana")
    try await insertToken(digest: Array(repeating: 7, count: 32), scopes: ["scim"])
    try await insertReply(Reply(command: .made(at: Date()), outcome: .done))
    try await write(
      """
      insert into identity.webhook_endpoints (workspace_id, id, url, description, secret, state, created_at, modified_at, version)
      values ($1, gen_random_uuid(), 'https://example.com', '', '', 'enabled', now(), now(), 1)
      """, [.uuid(workspace.uuid)])
    try await write(
      """
      insert into identity.rebuilds (id, consumer, reason, invitations, requested_at, only_workspace_id)
      values (gen_random_uuid(), 'test', '', 'none', now(), $1), (gen_random_uuid(), 'test', '', 'none', now(), null)
      """, [.uuid(workspace.uuid)])
    try await write(
      "update identity.users set other_email_keys = array[workspace_id || ' second@example.com'] where id = $1", [.uuid(users[0].uuid)])
  }
}
