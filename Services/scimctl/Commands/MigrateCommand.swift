import ArgumentParser
import Logging
import Migrations
import Postgres

/// `scimctl migrate`, which migrates the database to the schema of this build.
struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Migrate the database to the schema of this build.",
    discussion: """
      ROLLCALL_DATABASE_URL must be that of the database's owner. Safe to run repeatedly and concurrently.

      An expand migration adds something, and running processes of the previous release continue to work. A contract migration removes \
      something that the previous release uses: it waits until no process of that release was seen for an hour. Run the command \
      again then.
      """)

  @Flag(
    help:
      "Apply contract migrations although processes of an older release were seen within the last hour. For upgrades with all services stopped."
  )
  var force = false

  func run() async throws {
    let settings = try await Settings.forReading()
    let outcome = try await withDatabase(settings) { pool in
      try await Migrator.migrate(SchemaMigrations.all, on: pool, force: force, logger: Logger(label: settings.service))
    }
    for line in Self.lines(outcome) { print(line) }
    for warning in Self.warnings(outcome) { StandardError.print("scimctl: \(warning)") }
  }

  /// What was done, a line for each migration.
  static func lines(_ outcome: MigrationOutcome) -> [String] {
    guard outcome.applied.isEmpty else { return outcome.applied.map { "Applied \($0)" } }
    return outcome.postponed.isEmpty ? ["The database is up to date"] : ["Nothing was applied"]
  }

  /// What was not done because of running processes, and what was done although they run.
  static func warnings(_ outcome: MigrationOutcome) -> [String] {
    var warnings: [String] = []
    if !outcome.postponed.isEmpty {
      warnings.append(
        """
        \(names(outcome.postponed)) must wait: processes of an older release were seen within the last hour: \
        \(RunningProcess.names(outcome.postponed.flatMap(\.processes))). Run 'scimctl migrate' again an hour after they are replaced
        """)
    }
    if !outcome.forced.isEmpty {
      warnings.append(
        """
        \(names(outcome.forced)) applied by force. These processes do not work with it, if they still run: \
        \(RunningProcess.names(outcome.forced.flatMap(\.processes)))
        """)
    }
    return warnings
  }

  private static func names(_ migrations: [BlockedMigration]) -> String {
    migrations.map { "\($0.migration)" }.joined(separator: ", ")
  }
}
