import Foundation
import Models
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import GroupSync

@Suite("Maintenance of the event log", .timeLimit(.minutes(10)))
struct EventLogMaintenanceTests {
  /// A test database whose log has events of some days.
  private struct Log: Sendable {
    let directory: DirectoryDatabase
    let owner: PostgresPool

    static func start() async throws -> Log {
      let server = try await PostgresServer.shared()
      let directory = try await DirectoryDatabase.start(on: server)
      let name = try await directory.pool.query(Statement(once: "name", "select current_database()::text")).first?.string(0) ?? ""
      let owner = PostgresPool(
        PostgresConfiguration(
          url: server.url(database: name), connections: 1, statementTimeout: PostgresServer.testTimeout, applicationName: "test",
          maximumWait: PostgresServer.testTimeout),
        logger: quiet)
      return Log(directory: directory, owner: owner)
    }

    func maintenance(keepingDays days: Int) -> EventLogMaintenance {
      EventLogMaintenance(pool: directory.pool, retention: .seconds(days * 86_400), logger: quiet)
    }

    @discardableResult
    func run(_ sql: String) async throws -> Rows { try await owner.query(Statement(once: "test", sql)) }

    /// Appends an event that was stored on a day.
    func append(_ position: Int, daysAgo: Int) async throws {
      try await run(
        """
        insert into directory.events (position, stored_at, workspace_id, sequence, id, type, data)
        values (\(position), now() - interval '\(daysAgo) days', '\(Fixture.workspace)', \(position), '\(position)', 'group.created', '{}')
        """)
    }

    /// The days of the partitions, counted from today.
    func partitions() async throws -> [Int] {
      try await run(
        """
        select to_date(right(c.relname::text, 8), 'YYYYMMDD') - (now() at time zone 'UTC')::date
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'directory.events'::regclass
        and c.relname <> 'events_default'
        order by 1
        """
      ).map { try $0.int(0) }
    }

    /// A day as in the name of its partition, counted from today.
    func day(_ offset: Int) async throws -> String {
      try await run("select to_char((now() at time zone 'UTC')::date + \(offset), 'YYYYMMDD')").first?.string(0) ?? ""
    }

    func positions() async throws -> [Int] {
      try await run("select position from directory.events order by position").map { try $0.int(0) }
    }

    func close() async {
      await owner.close()
      await directory.pool.close()
      await directory.reader.close()
    }
  }

  @Test("creates the partitions of today and the next two days, and drops those that are older than the retention")
  func days() async throws {
    let log = try await Log.start()
    #expect(try await log.partitions() == [0, 1, 2])
    try await log.run("select directory.add_event_partitions(current_date - 6, 6)")
    try await log.run("drop table directory.events_\(try await log.day(2))")
    for (position, daysAgo) in [6, 5, 4, 3, 2, 1, 0].enumerated() { try await log.append(position + 1, daysAgo: daysAgo) }
    let outcome = try await log.maintenance(keepingDays: 3).maintain()
    #expect(outcome == EventLogMaintenance.Outcome(created: 1, dropped: 3))
    #expect(try await log.partitions() == [-3, -2, -1, 0, 1, 2])
    #expect(try await log.positions() == [4, 5, 6, 7])
    // Another run has nothing to do.
    #expect(try await log.maintenance(keepingDays: 3).maintain() == EventLogMaintenance.Outcome())
    await log.close()
  }

  @Test("deletes old events of days without a partition, and keeps the others")
  func defaultPartition() async throws {
    let log = try await Log.start()
    for (position, daysAgo) in [9, 8, 2, 0].enumerated() { try await log.append(position + 1, daysAgo: daysAgo) }
    try await log.maintenance(keepingDays: 3).maintain()
    #expect(try await log.positions() == [3, 4])
    await log.close()
  }

  @Test("A process does nothing while another one maintains the log, and events can be appended meanwhile")
  func lock() async throws {
    let log = try await Log.start()
    try await log.run("drop table directory.events_\(try await log.day(1))")
    let maintenance = log.maintenance(keepingDays: 3)
    try await log.owner.transaction { transaction in
      let rows = try await transaction.query(
        Statement(once: "maintain", "select created from directory.maintain_events(2, interval '3 days')"))
      #expect(try rows.first?.int(0) == 1)
      #expect(try await maintenance.maintain() == EventLogMaintenance.Outcome())
      // Through the pool of group-sync, while the new partition is not committed.
      _ = try await log.directory.pool.query(
        Statement(
          once: "append",
          """
          insert into directory.events (position, workspace_id, sequence, id, type, data)
          values (1, '\(Fixture.workspace)', 1, '1', 'group.created', '{}')
          """))
    }
    #expect(try await log.partitions() == [0, 1, 2])
    #expect(try await log.positions() == [1])
    await log.close()
  }

  @Test("A partition that a query reads is dropped later")
  func readers() async throws {
    let log = try await Log.start()
    try await log.run("select directory.add_event_partitions(current_date - 6, 1)")
    let maintenance = log.maintenance(keepingDays: 3)
    try await log.owner.transaction { transaction in
      _ = try await transaction.query(Statement(once: "read", "select count(*) from directory.events"))
      // It gives up after its lock timeout, so that writers do not wait for the reader.
      let error = await #expect(throws: PostgresError.self) { try await maintenance.maintain() }
      #expect(error?.sqlState == "55P03", "\(error.map { "\($0)" } ?? "")")
    }
    #expect(try await maintenance.maintain().dropped == 1)
    await log.close()
  }

  @Test("runs until graceful shutdown")
  func service() async throws {
    let log = try await Log.start()
    try await log.run("drop table directory.events_\(try await log.day(2))")
    let group = ServiceGroup(services: [log.maintenance(keepingDays: 3)], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await eventually("the partition to be created") { try await log.partitions() == [0, 1, 2] }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    await log.close()
  }
}
