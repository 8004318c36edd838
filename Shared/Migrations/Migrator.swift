import Logging
import Postgres

/// Applies numbered migrations, each exactly once, and reads a database's schema versions.
public enum Migrator {
  /// Applies pending migrations: schema by schema in the given order, by number within a schema, each in its own transaction. An advisory
  /// lock allows several processes to call this at once.
  ///
  /// - Returns: The migrations that were applied by this call.
  /// - Throws: ``MigrationError`` if one fails, or if the text of an applied one has changed; ``SchemaMismatch`` if the database has newer
  ///   ones; `PostgresError`.
  public static func apply(_ migrations: [Migration], on pool: PostgresPool, logger: Logger) async throws -> [Migration] {
    try await pool.withExclusiveConnection { session in
      // The statement timeout must not end the wait for another process's migrations, nor the rewrite of a large table.
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

  /// The number of the last migration of `schema` that was applied; 0 if none was.
  ///
  /// - Throws: `PostgresError`.
  public static func version(of schema: String, on pool: PostgresPool) async throws -> Int {
    do {
      return try await pool.query(MigrationStatements.version, [.text(schema)]).first?.int(0) ?? 0
    } catch let error as PostgresError where error.sqlState == "42P01" {
      // undefined_table: no migration was ever applied.
      return 0
    }
  }

  /// Checks that the database has exactly the migrations of this build.
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
  /// The last number of each schema, in the order of the schemas.
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

  /// The migrations to apply, in order.
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
            migration: migration, problem: "its text has changed since it was applied; add a new migration instead")
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
        throw MigrationError(migration: migration, problem: "the migrations of a schema must be numbered 1, 2, 3, …")
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
      // The session ends with this error, which rolls the transaction back.
      throw MigrationError(migration: migration, problem: "\(error)\(line(of: error, in: migration.sql))")
    }
  }

  private static func line(of error: PostgresError, in sql: String) -> String {
    guard let position = error.position else { return "" }
    return ", line \(sql.unicodeScalars.prefix(max(0, position - 1)).count { $0 == "\n" } + 1)"
  }
}
