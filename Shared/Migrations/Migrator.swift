import Logging
import Postgres

/// Applies numbered migrations, each exactly once, and tells how far a database has come.
public enum Migrator {
  /// Applies those of `migrations` that the database does not have yet: schema by schema in the order given, by number within a schema,
  /// each in a transaction of its own. Any number of processes may do so at once.
  ///
  /// - Returns: Those that were applied now.
  /// - Throws: ``MigrationError`` where one fails, or where an applied one has another text now; ``SchemaMismatch`` where the database
  ///   has newer ones; `PostgresError`.
  public static func apply(_ migrations: [Migration], on pool: PostgresPool, logger: Logger) async throws -> [Migration] {
    try await pool.withExclusiveConnection { session in
      // Neither waiting for another process's migrations nor rewriting a large table is bounded by the statement timeout.
      _ = try await session.query(MigrationStatements.noTimeout)
      _ = try await session.query(MigrationStatements.lock, [.int(MigrationStatements.lockKey)], hasTimeLimit: false)
      try await session.run(script: MigrationStatements.table, named: "create migration table")
      let pending = try await pending(migrations, in: session)
      for migration in pending {
        try await apply(migration, in: session)
        logger.info("Migration applied", metadata: ["migration": "\(migration)"])
      }
      return pending
    }
  }

  /// The number of the last migration of `schema` that the database has; 0 where it has none.
  ///
  /// - Throws: `PostgresError`.
  public static func version(of schema: String, on pool: PostgresPool) async throws -> Int {
    do {
      return try await pool.query(MigrationStatements.version, [.text(schema)]).first?.int(0) ?? 0
    } catch let error as PostgresError where error.sqlState == "42P01" {
      // undefined_table: nothing was ever migrated here.
      return 0
    }
  }

  /// Checks that the database has exactly the migrations that this build knows.
  ///
  /// - Throws: ``SchemaMismatch``; `PostgresError`.
  public static func verify(_ migrations: [Migration], on pool: PostgresPool) async throws {
    for (schema, expected) in versions(migrations) {
      let found = try await version(of: schema, on: pool)
      guard found == expected else { throw SchemaMismatch(schema: schema, found: found, expected: expected) }
    }
  }
}

extension Migrator {
  /// The last number of each schema, in the order in which the schemas come.
  private static func versions(_ migrations: [Migration]) -> [(schema: String, number: Int)] {
    var versions: [(schema: String, number: Int)] = []
    for migration in migrations {
      if let index = versions.firstIndex(where: { $0.schema == migration.schema }) {
        versions[index].number = max(versions[index].number, migration.number)
      } else {
        versions.append((migration.schema, migration.number))
      }
    }
    return versions
  }

  /// Those that are to be applied, in order.
  private static func pending(_ migrations: [Migration], in session: PostgresSession) async throws -> [Migration] {
    let rows = try await session.query(
      MigrationStatements.compare,
      [
        .textArray(migrations.map(\.schema)), .intArray(migrations.map { Int64($0.number) }),
        .bytesArray(migrations.map { Array($0.sql.utf8) }),
      ])
    var applied: [String: Set<Int>] = [:]
    for row in rows {
      let (schema, number) = (try row.string(0), try row.int(1))
      if let migration = migrations.first(where: { $0.schema == schema && $0.number == number }) {
        guard try row.optionalBool(2) == true else {
          throw MigrationError(
            migration: migration, problem: "its text has changed since it was applied; an applied migration is never edited, add another")
        }
      }
      applied[schema, default: []].insert(number)
    }
    var pending: [Migration] = []
    for (schema, expected) in versions(migrations) {
      let found = applied[schema]?.max() ?? 0
      guard found <= expected else { throw SchemaMismatch(schema: schema, found: found, expected: expected) }
      let own = migrations.filter { $0.schema == schema }.sorted { $0.number < $1.number }
      for (position, migration) in own.enumerated() where migration.number != position + 1 {
        throw MigrationError(migration: migration, problem: "the migrations of a schema are to be numbered 1, 2, 3, …")
      }
      pending += own.filter { applied[schema]?.contains($0.number) != true }
    }
    return pending
  }

  private static func apply(_ migration: Migration, in session: PostgresSession) async throws {
    do {
      try await session.run(script: "begin", named: "\(migration)")
      let transaction = try await session.query(MigrationStatements.transaction).first?.string(0)
      try await session.run(script: migration.sql, named: "\(migration)")
      guard try await session.query(MigrationStatements.transaction).first?.string(0) == transaction else {
        throw MigrationError(migration: migration, problem: "it must not end its transaction itself")
      }
      _ = try await session.query(
        MigrationStatements.record,
        [.text(migration.schema), .int(Int64(migration.number)), .text(migration.name), .bytes(Array(migration.sql.utf8))])
      try await session.run(script: "commit", named: "\(migration)")
    } catch let error as PostgresError {
      // The session ends with this, and its transaction with it.
      throw MigrationError(migration: migration, problem: "\(error)\(line(of: error, in: migration.sql))")
    }
  }

  private static func line(of error: PostgresError, in sql: String) -> String {
    guard let position = error.position else { return "" }
    return ", line \(sql.unicodeScalars.prefix(max(0, position - 1)).count { $0 == "\n" } + 1)"
  }
}
