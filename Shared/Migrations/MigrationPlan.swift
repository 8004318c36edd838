/// What ``Migrator`` does with the pending migrations.
public struct MigrationPlan: Sendable, Hashable {
  /// The migrations to apply now, in order.
  public private(set) var migrations: [Migration] = []
  /// Contract migrations at the end of a schema that wait until the processes that need the old schema are replaced.
  public private(set) var postponed: [BlockedMigration] = []
  /// Contract migrations that block the migration of the database: this build needs migrations behind them.
  public private(set) var blocked: [BlockedMigration] = []

  /// Plans the migrations of a database.
  ///
  /// - Parameters:
  ///   - pending: The migrations that are not applied, in order.
  ///   - processes: The processes that were seen recently.
  init(pending: [Migration], processes: [RunningProcess]) {
    for schema in SchemaRange.ranges(of: pending) {
      let own = pending.filter { $0.schema == schema.schema }
      guard let first = own.firstIndex(where: { !Self.blockers(of: $0, among: processes).isEmpty }) else {
        migrations += own
        continue
      }
      let waiting = own[first...]
      let contracts = waiting.map { BlockedMigration(migration: $0, processes: Self.blockers(of: $0, among: processes)) }
      if waiting.allSatisfy({ $0.kind == .contract }) {
        migrations += own[..<first]
        postponed += contracts
      } else {
        blocked += contracts.filter { !$0.processes.isEmpty }
      }
    }
    if !blocked.isEmpty { migrations = [] }
  }

  /// The processes that need what a migration takes away.
  private static func blockers(of migration: Migration, among processes: [RunningProcess]) -> [RunningProcess] {
    guard migration.kind != .expand else { return [] }
    return processes.filter { !$0.supports(migration) }
  }
}

/// A contract migration that waits for processes of the previous release.
public struct BlockedMigration: Sendable, Hashable {
  /// The migration.
  public let migration: Migration
  /// The processes that need the old schema. Empty for a migration that waits only for one before it.
  public let processes: [RunningProcess]

  /// Makes a value.
  public init(migration: Migration, processes: [RunningProcess]) {
    self.migration = migration
    self.processes = processes
  }
}

/// The error for a database that cannot be migrated while processes of an older release run.
public struct MigrationBlocked: Error, Sendable, CustomStringConvertible {
  /// The migrations and their processes.
  public let migrations: [BlockedMigration]

  /// The migrations, the processes, and what to do.
  public var description: String {
    let names = migrations.map { "\($0.migration)" }.joined(separator: ", ")
    let processes = RunningProcess.names(migrations.flatMap(\.processes))
    return """
      \(names) would break processes of an older release that were seen within the last hour: \(processes). Stop them, and run \
      `scimctl migrate` an hour later, or `scimctl migrate --force` once all of them have stopped
      """
  }
}
