import Logging
import Postgres

/// Applies numbered migrations, each exactly once, and reads a database's schema versions.
public enum Migrator {
  /// Applies pending migrations: schema by schema in the given order, by number within a schema, each in its own transaction. An advisory
  /// lock allows several processes to call this at once.
  ///
  /// A contract migration is not applied while a process that needs the old schema was seen within the last hour. It is postponed if only
  /// contract migrations follow it.
  ///
  /// - Parameter force: Whether contract migrations are applied although such processes were seen.
  /// - Throws: ``MigrationBlocked`` if this build needs migrations behind a contract migration that is not applied; ``MigrationError`` if a
  ///   migration fails, or if the text of an applied one has changed; ``SchemaMismatch`` if the database has newer ones that this build does
  ///   not support; `PostgresError`.
  public static func migrate(
    _ migrations: [Migration], on pool: PostgresPool, force: Bool = false, logger: Logger
  ) async throws -> MigrationOutcome {
    try await pool.withExclusiveConnection { session in
      // The statement timeout must not end the wait for another process's migrations, nor the rewrite of a large table.
      _ = try await session.query(MigrationStatements.noTimeout)
      _ = try await session.query(MigrationStatements.lock, [.int(MigrationStatements.lockKey)], hasTimeLimit: false)
      try await session.run(script: MigrationStatements.table, named: "create migration table")
      try await session.run(script: ProcessStatements.table, named: "create process table")
      let pending = try await pending(migrations, in: session)
      let processes = try await ProcessRegistry.running(in: session)
      let careful = MigrationPlan(pending: pending, processes: processes)
      let plan = force ? MigrationPlan(pending: pending, processes: []) : careful
      guard plan.blocked.isEmpty else { throw MigrationBlocked(migrations: plan.blocked) }
      for migration in plan.migrations {
        try await apply(migration, in: session)
        logger.info("Migration applied", metadata: ["migration": "\(migration)"])
      }
      return MigrationOutcome(
        applied: plan.migrations, postponed: plan.postponed, forced: force ? careful.blocked + careful.postponed : [])
    }
  }

  /// Applies pending migrations like ``migrate(_:on:force:logger:)``, and returns those that were applied.
  ///
  /// - Throws: As ``migrate(_:on:force:logger:)``.
  public static func apply(_ migrations: [Migration], on pool: PostgresPool, logger: Logger) async throws -> [Migration] {
    try await migrate(migrations, on: pool, logger: logger).applied
  }

  /// The state of `schema`.
  ///
  /// - Throws: `PostgresError`.
  public static func state(of schema: String, on pool: PostgresPool) async throws -> SchemaVersion {
    do {
      guard let row = try await pool.query(MigrationStatements.version, [.text(schema)]).first else {
        return SchemaVersion(number: 0, lastContract: 0)
      }
      return SchemaVersion(number: try row.int(0), lastContract: try row.int(1))
    } catch let error as PostgresError where error.sqlState == "42P01" {
      // undefined_table: no migration was ever applied.
      return SchemaVersion(number: 0, lastContract: 0)
    }
  }

  /// The number of the last migration of `schema` that was applied; 0 if none was.
  ///
  /// - Throws: `PostgresError`.
  public static func version(of schema: String, on pool: PostgresPool) async throws -> Int {
    try await state(of: schema, on: pool).number
  }

  /// Checks that this build supports the schema versions of the database.
  ///
  /// - Throws: ``SchemaMismatch``; `PostgresError`.
  public static func verify(_ migrations: [Migration], on pool: PostgresPool) async throws {
    for range in SchemaRange.ranges(of: migrations) {
      let found = try await state(of: range.schema, on: pool)
      guard range.supports(found) else { throw SchemaMismatch(found: found, supported: range) }
    }
  }
}

/// What a migration of a database did.
public struct MigrationOutcome: Sendable, Hashable {
  /// The migrations that were applied, in order.
  public let applied: [Migration]
  /// Contract migrations that wait for processes of the previous release. Migrate again when these are replaced.
  public let postponed: [BlockedMigration]
  /// Contract migrations that were applied by force, with the processes that they may break.
  public let forced: [BlockedMigration]

  /// Makes an outcome.
  public init(applied: [Migration], postponed: [BlockedMigration], forced: [BlockedMigration]) {
    self.applied = applied
    self.postponed = postponed
    self.forced = forced
  }
}

extension Migrator {
  /// The migrations to apply, in order.
  private static func pending(_ migrations: [Migration], in session: PostgresSession) async throws -> [Migration] {
    _ = try await session.query(
      MigrationStatements.recordKinds,
      [
        .textArray(migrations.map(\.schema)), .intArray(migrations.map { Int64($0.number) }),
        .textArray(migrations.map { $0.kind?.rawValue }),
      ])
    let rows = try await session.query(
      MigrationStatements.compare,
      [
        .textArray(migrations.map(\.schema)), .intArray(migrations.map { Int64($0.number) }),
        .bytesArray(migrations.map { Array($0.sql.utf8) }),
      ])
    var applied: [String: Set<Int>] = [:]
    var lastContracts: [String: Int] = [:]
    for row in rows {
      let (schema, number) = (try row.string(0), try row.int(1))
      if let migration = migrations.first(where: { $0.schema == schema && $0.number == number }) {
        guard try row.optionalBool(2) == true else {
          throw MigrationError(
            migration: migration, problem: "its text has changed since it was applied; add a new migration instead")
        }
      }
      applied[schema, default: []].insert(number)
      if try row.optionalString(3) != Migration.Kind.expand.rawValue { lastContracts[schema] = number }
    }
    var pending: [Migration] = []
    for range in SchemaRange.ranges(of: migrations) {
      let schema = range.schema
      let found = SchemaVersion(number: applied[schema]?.max() ?? 0, lastContract: lastContracts[schema] ?? 0)
      guard found.lastContract <= range.newest else { throw SchemaMismatch(found: found, supported: range) }
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
        [
          .text(migration.schema), .int(Int64(migration.number)), .text(migration.name), .bytes(Array(migration.sql.utf8)),
          .optional(migration.kind?.rawValue, PostgresValue.text),
        ])
      try await session.run(script: "commit", named: "\(migration)")
    } catch let error as PostgresError {
      // The session ends with this error, which rolls the transaction back.
      throw MigrationError(migration: migration, problem: "\(error)\(line(of: error, in: migration))")
    }
  }

  private static func line(of error: PostgresError, in migration: Migration) -> String {
    guard let position = error.position else { return "" }
    let before = migration.sql.unicodeScalars.prefix(max(0, position - 1)).count { $0 == "\n" }
    return ", line \(migration.linesBeforeSQL + before + 1)"
  }
}
