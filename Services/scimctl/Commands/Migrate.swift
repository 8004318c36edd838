import ArgumentParser
import Logging
import Migrations
import Postgres

/// Brings the database to the schema of this build.
struct Migrate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Bring the database to the schema of this build.",
    discussion: "ROLLCALL_DATABASE_URL has to name the owner of the database. Safe to run twice, and by several at once.")

  func run() async throws {
    let settings = try await Settings.forReading()
    let applied = try await withDatabase(settings) { pool in
      try await Migrator.apply(SchemaMigrations.all, on: pool, logger: Logger(label: settings.service))
    }
    for migration in applied { print("Applied \(migration)") }
    if applied.isEmpty { print("The database is up to date") }
  }
}
