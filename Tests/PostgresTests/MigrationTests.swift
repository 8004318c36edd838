import Foundation
import Migrations
import Postgres
import TestSupport
import Testing

@Suite("Migrator")
struct MigrationTests {
  private let first = Migration(
    schema: "trial", number: 1, name: "first", sql: "create table things (id int); insert into things values (1);")
  private let second = Migration(schema: "trial", number: 2, name: "second", sql: "alter table things add name text;")

  @Test("Concurrent migrators apply each migration once")
  func concurrency() async throws {
    let server = try await PostgresServer.shared()
    let database = try await server.createDatabase()
    let applied = try await withThrowingTaskGroup(of: [Migration].self) { group in
      for _ in 0..<4 {
        group.addTask {
          try await server.withPool(database: database) { try await Migrator.apply([first, second], on: $0, logger: quiet) }
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(applied == [first, second])
    try await server.withPool(database: database) { pool in
      let things = try await pool.number("select count(*) from things")
      #expect(things == 1)
      #expect(try await Migrator.version(of: "trial", on: pool) == 2)
    }
  }

  @Test("Every SQL file of a schema is one of its migrations", arguments: ["identity", "mailer", "directory"])
  func files(_ schema: String) throws {
    let folder = MailCatcher.root.appending(path: "Shared/Migrations/\(schema)")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".sql") }.sorted()
    #expect(files.map { Int($0.prefix(3)) } == SchemaMigrations.all.filter { $0.schema == schema }.map(\.number))
  }

  @Test("Only pending migrations are applied")
  func increments() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      #expect(try await Migrator.version(of: "trial", on: pool) == 0)
      #expect(try await Migrator.apply([first], on: pool, logger: quiet) == [first])
      #expect(try await Migrator.apply([first, second], on: pool, logger: quiet) == [second])
      #expect(try await Migrator.apply([first, second], on: pool, logger: quiet) == [])
      try await Migrator.verify([first, second], on: pool)
    }
  }

  @Test("A migration whose text has changed is rejected by name")
  func changedText() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      _ = try await Migrator.apply([first], on: pool, logger: quiet)
      let edited = Migration(schema: "trial", number: 1, name: "first", sql: first.sql + " -- edited")
      let error = await #expect(throws: MigrationError.self) { try await Migrator.apply([edited, second], on: pool, logger: quiet) }
      #expect(error?.description.hasPrefix("trial/001-first: its text has changed") == true)
      #expect(try await Migrator.version(of: "trial", on: pool) == 1)
    }
  }

  @Test("A database that is too old or too new is reported")
  func mismatch() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      let empty = await #expect(throws: SchemaMismatch.self) { try await Migrator.verify([first, second], on: pool) }
      #expect(empty?.found == SchemaVersion(number: 0, lastContract: 0))
      #expect(empty?.supported == SchemaRange(schema: "trial", oldest: 2, newest: 2))
      #expect(empty?.description.contains("run `scimctl migrate`") == true)
      _ = try await Migrator.apply([first, second], on: pool, logger: quiet)
      let newer = await #expect(throws: SchemaMismatch.self) { try await Migrator.verify([first], on: pool) }
      #expect(newer?.found == SchemaVersion(number: 2, lastContract: 2))
      #expect(newer?.description.contains("older than the database") == true)
      await #expect(throws: SchemaMismatch.self) { try await Migrator.apply([first], on: pool, logger: quiet) }
    }
  }

  @Test("A failed migration is rolled back, and the error has the line")
  func failure() async throws {
    let broken = Migration(schema: "trial", number: 1, name: "broken", sql: "create table things (id int);\nselect nonsense;\n")
    try await PostgresServer.withOwnDatabase { pool in
      let error = await #expect(throws: MigrationError.self) { try await Migrator.apply([broken], on: pool, logger: quiet) }
      #expect(error?.description.contains("trial/001-broken") == true)
      #expect(error?.description.contains("line 2") == true)
      let tables = try await pool.number("select count(*) from pg_tables where tablename = 'things'")
      #expect(tables == 0)
      #expect(try await Migrator.version(of: "trial", on: pool) == 0)
    }
  }

  @Test("A migration that ends its transaction, or is out of order, is rejected")
  func malformed() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      let ending = Migration(schema: "trial", number: 1, name: "ending", sql: "commit;")
      await #expect(throws: MigrationError.self) { try await Migrator.apply([ending], on: pool, logger: quiet) }
      let early = Migration(schema: "other", number: 2, name: "early", sql: "select 1;")
      await #expect(throws: MigrationError.self) { try await Migrator.apply([early], on: pool, logger: quiet) }
    }
  }

  @Test("The line of an error counts the line that declares the kind")
  func declaredLine() async throws {
    let broken = Migration(schema: "trial", number: 1, name: "broken", sql: "-- expand\ncreate table things (id int);\nselect nonsense;\n")
    try await PostgresServer.withOwnDatabase { pool in
      let error = await #expect(throws: MigrationError.self) { try await Migrator.apply([broken], on: pool, logger: quiet) }
      #expect(error?.description.contains("line 3") == true)
    }
  }

  @Test("Each migration of the suite declares its kind in the first line", arguments: SchemaMigrations.all)
  func declared(migration: Migration) {
    #expect(migration.kind != nil, "the first line must be `-- expand`, or `-- contract: ` and what it takes away")
  }

  @Test("The suite's migrations apply, and match the build")
  func suite() async throws {
    try await PostgresServer.withOwnDatabase { pool in
      #expect(try await Migrator.apply(SchemaMigrations.all, on: pool, logger: quiet) == SchemaMigrations.all)
      try await Migrator.verify(SchemaMigrations.all, on: pool)
    }
  }
}
