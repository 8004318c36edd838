import EdgeHTTP
import EdgeReads
import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport

/// A test database with an event log, and the reads of scim-api.
struct EventDatabase: Sendable {
  let owner: PostgresPool
  /// The pools with the roles of scim-api.
  let reader: PostgresPool
  let feedReader: PostgresPool
  let events: DatabaseEvents

  /// - Parameter hasFeed: whether there is a connection for reads across workspaces.
  static func start(hasFeed: Bool = true) async throws -> EventDatabase {
    let server = try await PostgresServer.shared()
    let name = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          // Several, so that transactions run concurrently.
          url: server.url(database: name, role: role), connections: role == "postgres" ? 4 : 1,
          statementTimeout: PostgresServer.testTimeout, applicationName: "EventTests", maximumWait: PostgresServer.testTimeout,
          planning: role == "postgres" ? .adaptive : .onceByIndex),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
    return EventDatabase(owner: pool("postgres"), reader: pool("scim_api"), feedReader: pool("scim_api_feed"), hasFeed: hasFeed)
  }

  private init(owner: PostgresPool, reader: PostgresPool, feedReader: PostgresPool, hasFeed: Bool) {
    self.owner = owner
    self.reader = reader
    self.feedReader = feedReader
    events = DatabaseEvents(
      database: Database(pool: reader, retryTimeout: .seconds(5)),
      feed: hasFeed ? Database(pool: feedReader, retryTimeout: .seconds(5)) : nil)
  }

  func close() async {
    for pool in [owner, reader, feedReader] { await pool.close() }
  }

  /// Runs a statement as the owner of the tables.
  @discardableResult
  func write(_ sql: String, _ parameters: [PostgresValue] = []) async throws -> Rows {
    try await owner.query(Statement(once: "test", sql), parameters)
  }

  /// Appends events in one transaction, as group-sync does.
  ///
  /// - Parameters:
  ///   - daysAgo: when the events are stored.
  ///   - bytes: the size of each event.
  func append(
    _ count: Int = 1, _ type: DirectoryEvent.Kind = .memberUpdated, in workspace: WorkspaceID, daysAgo: Int = 0, bytes: Int = 10
  ) async throws {
    try await write(
      """
      with
        log as (
          update directory.event_log set last_position = last_position + $2::int8
          returning last_position - $2::int8 as position
        ),
        sequences as (
          insert into directory.event_sequences as s values ($1::uuid, $2::int8)
          on conflict (workspace_id) do update set last_sequence = s.last_sequence + $2::int8
          returning last_sequence - $2::int8 as sequence
        )
      insert into directory.events (position, stored_at, workspace_id, sequence, id, type, data)
      select
        log.position + n, now() - make_interval(days => $4::int8::int), $1::uuid, sequences.sequence + n,
        $1::uuid::text || '/' || (sequences.sequence + n), $3::text, rpad('{"n":' || n, $5::int8::int, ' ') || '}'
      from log, sequences, generate_series(1, $2::int8) n
      """,
      [.uuid(workspace.uuid), .int(Int64(count)), .text(type.rawValue), .int(Int64(daysAgo)), .int(Int64(bytes))])
  }

  /// Creates the partitions of the last days.
  func addPartitions(days: Int) async throws {
    try await write("select directory.add_event_partitions(current_date - $1::int8::int, $1::int8::int)", [.int(Int64(days))])
  }
}
