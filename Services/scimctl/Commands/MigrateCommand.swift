import ArgumentParser
import Logging
import Migrations
import Postgres

/// `scimctl migrate`, which migrates the database to the schema of this build.
struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Migrate the database to the schema of this build.",
    discussion: "ROLLCALL_DATABASE_URL must be that of the database's owner. Safe to run repeatedly and concurrently.")

  func run() async throws {
    let settings = try await Settings.forReading()
    let applied = try await withDatabase(settings) { pool in
      // The migrations take an advisory lock.
      try await pool.checkSessions()
      return try await Migrator.apply(SchemaMigrations.all, on: pool, logger: Logger(label: settings.service))
    }
    for migration in applied { print("Applied \(migration)") }
    if applied.isEmpty { print("The database is up to date") }
  }
}
