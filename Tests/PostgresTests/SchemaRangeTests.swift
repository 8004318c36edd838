import Foundation
import Migrations
import Postgres
import TestSupport
import Testing

@Suite("Schema ranges")
struct SchemaRangeTests {
  private let table = Migration(schema: "trial", number: 1, name: "table", sql: "-- expand\ncreate table things (id int, old text);")
  private let column = Migration(schema: "trial", number: 2, name: "column", sql: "-- expand\nalter table things add name text;")
  private let drop = Migration(schema: "trial", number: 3, name: "drop", sql: "-- contract: drops things.old\nalter table things drop old;")
  private let index = Migration(schema: "trial", number: 4, name: "index", sql: "-- expand\ncreate index on things (id);")

  @Test("The first line of a file declares the kind, and is not part of the SQL")
  func declaration() {
    #expect(table.kind == .expand && table.sql == "create table things (id int, old text);")
    #expect(drop.kind == .contract && drop.sql == "alter table things drop old;")
    let undeclared = Migration(schema: "trial", number: 1, name: "first", sql: "-- A table.\nselect 1;")
    #expect(undeclared.kind == nil && undeclared.sql == "-- A table.\nselect 1;")
  }

  @Test("A build needs its expand migrations, and not the contract migrations at the end")
  func ranges() {
    #expect(SchemaRange.ranges(of: [table, column]) == [SchemaRange(schema: "trial", oldest: 2, newest: 2)])
    #expect(SchemaRange.ranges(of: [table, column, drop]) == [SchemaRange(schema: "trial", oldest: 2, newest: 3)])
    #expect(SchemaRange.ranges(of: [table, column, drop, index]) == [SchemaRange(schema: "trial", oldest: 4, newest: 4)])
  }

  @Test("A build supports unknown expand migrations, but no unknown contract migration")
  func support() {
    let range = SchemaRange(schema: "trial", oldest: 2, newest: 3)
    #expect(!range.supports(SchemaVersion(number: 1, lastContract: 0)))
    #expect(range.supports(SchemaVersion(number: 2, lastContract: 0)))
    #expect(range.supports(SchemaVersion(number: 3, lastContract: 3)))
    #expect(range.supports(SchemaVersion(number: 5, lastContract: 3)))
    #expect(!range.supports(SchemaVersion(number: 5, lastContract: 4)))
  }

  @Test("A contract migration at the end waits for a process of the previous release, and is applied after an hour")
  func postponed() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await Migrator.apply([table], on: pool, logger: quiet)
      try await record("group-sync-0", of: [table], on: pool)
      let outcome = try await Migrator.migrate([table, column, drop], on: pool, logger: quiet)
      #expect(outcome.applied == [column] && outcome.postponed.map(\.migration) == [drop])
      #expect(outcome.postponed.flatMap(\.processes).map(\.name) == ["group-sync-0"])
      try await Migrator.verify([table, column, drop], on: pool)
      try await Migrator.verify([table], on: pool)
      let again = try await Migrator.migrate([table, column, drop], on: pool, logger: quiet)
      #expect(again.applied.isEmpty && again.postponed.map(\.migration) == [drop])
      _ = try await pool.query(Statement("age", "update rollcall.processes set seen_at = now() - interval '61 minutes'"))
      #expect(try await Migrator.apply([table, column, drop], on: pool, logger: quiet) == [drop])
      await #expect(throws: SchemaMismatch.self) { try await Migrator.verify([table], on: pool) }
    }
  }

  @Test("Nothing is applied if a build needs migrations behind one that a process of the previous release blocks, except by force")
  func blocked() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await Migrator.apply([table], on: pool, logger: quiet)
      try await record("identity-store-1", of: [table], on: pool)
      let all = [table, column, drop, index]
      let error = await #expect(throws: MigrationBlocked.self) { try await Migrator.apply(all, on: pool, logger: quiet) }
      #expect(error?.description.contains("trial/003-drop") == true && error?.description.contains("identity-store-1 (1.0)") == true)
      #expect(try await Migrator.version(of: "trial", on: pool) == 1)
      let forced = try await Migrator.migrate(all, on: pool, force: true, logger: quiet)
      #expect(forced.applied == [column, drop, index] && forced.forced.map(\.migration) == [drop])
    }
  }

  @Test("A process that knows a contract migration, or does not use its schema, does not block it")
  func bystanders() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await Migrator.apply([table, column], on: pool, logger: quiet)
      try await record("group-sync-0", of: [table, column, drop], on: pool)
      try await record("scim-api-0", of: [Migration(schema: "other", number: 1, name: "other", sql: "-- expand\n")], on: pool)
      #expect(try await Migrator.apply([table, column, drop], on: pool, logger: quiet) == [drop])
    }
  }

  @Test("A connected process that records nothing blocks a contract migration")
  func unrecorded() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase()
    let old = PostgresPool(
      PostgresConfiguration(
        url: server.url(database: database), connections: 1, statementTimeout: PostgresServer.testTimeout,
        applicationName: "invitation-mailer-3 health", maximumWait: PostgresServer.testTimeout),
      logger: quiet)
    try await server.withPool(database: database) { pool in
      _ = try await Migrator.apply([table, column], on: pool, logger: quiet)
      try await old.waitUntilReachable()
      let outcome = try await Migrator.migrate([table, column, drop], on: pool, logger: quiet)
      #expect(outcome.postponed.flatMap(\.processes).map(\.name) == ["invitation-mailer-3"])
      #expect(RunningProcess.names(outcome.postponed.flatMap(\.processes)) == "invitation-mailer-3 (before 0.3)")
    }
    await old.close()
  }

  @Test("The migrations of a database that an older release has migrated get their kinds")
  func formerDatabase() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await Migrator.apply([table, column], on: pool, logger: quiet)
      _ = try await pool.query(Statement("former table", "alter table rollcall.migrations drop column kind"))
      #expect(try await Migrator.state(of: "trial", on: pool) == SchemaVersion(number: 2, lastContract: 2))
      _ = try await Migrator.apply([table, column], on: pool, logger: quiet)
      #expect(try await Migrator.state(of: "trial", on: pool) == SchemaVersion(number: 2, lastContract: 0))
    }
  }

  @Test("The migrate command of the previous release accepts a database with newer expand migrations")
  func rollback() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await Migrator.apply([table, column], on: pool, logger: quiet)
      #expect(try await Migrator.apply([table], on: pool, logger: quiet).isEmpty)
    }
  }

  @Test("A role that can only read may record its process, but not change the record")
  func readOnlyRole() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase(migrations: SchemaMigrations.all)
    let edge = PostgresPool(
      PostgresConfiguration(
        url: server.url(database: database, role: "scim_api"), connections: 1, statementTimeout: PostgresServer.testTimeout,
        applicationName: "test", maximumWait: PostgresServer.testTimeout),
      logger: quiet)
    let ranges = SchemaRange.ranges(of: SchemaMigrations.all)
    #expect(try await ProcessRegistry.record(UUID(), name: "scim-api-0", version: "1.0", ranges: ranges, on: edge))
    let running = try await ProcessRegistry.running(on: edge)
    #expect(running.map(\.name) == ["scim-api-0"] && running.first?.newest.keys.sorted() == ["directory", "identity", "mailer"])
    let error = await #expect(throws: PostgresError.self) {
      _ = try await edge.query(Statement("forget", "delete from rollcall.processes"))
    }
    #expect(error?.sqlState == "42501")
    await edge.close()
  }

  @Test("A process in a database without the record goes on without it")
  func noRecord() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      let ranges = SchemaRange.ranges(of: [table])
      let recorded = try await ProcessRegistry.record(UUID(), name: "trial-0", version: "1.0", ranges: ranges, on: pool)
      #expect(!recorded)
      let running = try await ProcessRegistry.running(on: pool)
      #expect(running.isEmpty)
    }
  }

  private func record(_ name: String, of migrations: [Migration], on pool: PostgresPool) async throws {
    let recorded = try await ProcessRegistry.record(
      UUID(), name: name, version: "1.0", ranges: SchemaRange.ranges(of: migrations), on: pool)
    #expect(recorded)
  }
}
