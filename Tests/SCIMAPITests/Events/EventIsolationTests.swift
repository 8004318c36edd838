import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import EdgeHTTP
@testable import EdgeReads

@Suite("Isolation of events", .timeLimit(.minutes(10)))
struct EventIsolationTests {
  private let here = WorkspaceID.made(at: Date())
  private let there = WorkspaceID.made(at: Date())

  private func count(_ view: String, _ pool: PostgresPool, in workspace: WorkspaceID?) async throws -> Int? {
    try await pool.query(
      Statement(once: "count", "select count(*) from directory_read.\(view)"), under: workspace.map { LocalSetting.inForce($0) }
    ).first?.int(0)
  }

  @Test("The role of scim-api sees only the events of the current workspace, and none without one")
  func views() async throws {
    let database = try await EventDatabase.start()
    try await database.append(3, in: here)
    try await database.append(2, in: there)
    for (view, own, all) in [("events", 3, 5), ("event_sequences", 1, 2)] {
      #expect(try await count(view, database.reader, in: nil) == 0)
      #expect(try await count(view, database.reader, in: here) == own)
      #expect(try await count(view, database.reader, in: .made(at: Date())) == 0)
      #expect(try await count(view, database.reader, in: .deployment) == 0)
      #expect(try await count(view, database.feedReader, in: nil) == all)
    }
    await database.close()
  }

  @Test("A statement that names another workspace than the current one finds no events")
  func statements() async throws {
    let database = try await EventDatabase.start()
    try await database.append(3, in: here)
    try await database.append(1, in: there)
    let (statement, parameters) = EventStatements.page(EventQuery(.workspace(here), from: .oldest, limit: 10))
    let reads = Database(pool: database.reader, retryTimeout: .seconds(5))
    #expect(try await reads.query(statement, parameters, in: here).count == 3)
    // One row without an event.
    let other = try await reads.query(statement, parameters, in: there)
    #expect(other.count == 1 && other[0].isNull(3))
    let (feed, all) = EventStatements.page(EventQuery(.deployment, from: .oldest, limit: 10))
    #expect(try await reads.query(feed, all, in: here).count == 3)
    #expect(try await reads.query(feed, all, in: .deployment).first?.isNull(3) == true)
    await database.close()
  }

  @Test("Without a connection for it there is no feed of all workspaces; a workspace's events need none")
  func withoutFeed() async throws {
    let database = try await EventDatabase.start(hasFeed: false)
    try await database.append(1, in: here)
    #expect(try await database.events.events(EventQuery(.workspace(here), from: .oldest, limit: 10)).events.count == 1)
    await #expect(throws: DeploymentFeedMissing.self) {
      try await database.events.events(EventQuery(.deployment, from: .oldest, limit: 10))
    }
    await #expect(throws: DeploymentFeedMissing.self) { try await database.events.snapshot(of: .deployment) }
    await database.close()
  }

  @Test("The role of the feed reads events and the directory alone; the role of scim-api cannot take it")
  func rights() async throws {
    let database = try await EventDatabase.start()
    let attempts: [(PostgresPool, [String])] = [
      (
        database.feedReader,
        [
          "select count(*) from identity_read.users", "select count(*) from identity_read.tokens",
          "select count(*) from directory_read.receipts", "select count(*) from directory.events", "delete from directory_read.events",
          "select * from directory_read.event_ends(0, '{}')", "select * from directory.maintain_events(1, '1 day')",
          "set role rollcall_reader",
        ]
      ),
      (
        database.reader,
        [
          "set role rollcall_feed", "set role scim_api_feed", "select count(*) from directory.events",
          "select * from directory.maintain_events(1, '1 day')", "update directory_read.event_log set last_position = 0",
        ]
      ),
    ]
    for (pool, statements) in attempts {
      for sql in statements {
        let error = await #expect(throws: PostgresError.self, "\(sql)") { try await pool.query(Statement(once: "attempt", sql)) }
        #expect(error?.sqlState == "42501", "\(sql): \(error.map { "\($0)" } ?? "")")
      }
    }
    await database.close()
  }

  @Test("Every table of the directory with rows of workspaces has row-level security, and every view of one is a security invoker")
  func everything() async throws {
    let database = try await EventDatabase.start()
    let open = try await database.write(
      """
      select n.nspname || '.' || c.relname
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      where not c.relispartition
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname in ('workspace_id', 'owner_id'))
      and (
        (n.nspname = 'directory' and c.relkind in ('r', 'p') and not c.relrowsecurity)
        or (n.nspname = 'directory_read' and c.relkind = 'v' and not coalesce('security_invoker=true' = any (c.reloptions), false))
      )
      """)
    #expect(try open.map { try $0.string(0) } == [])
    await database.close()
  }
}
