import EdgeHTTP
import EdgeReads
import Postgres
import ProductAPI
import ServiceKit
import ServiceLifecycle

/// The parts of the events API: the controller, and the services that it needs.
struct EventsAPI {
  let controller: EventsController
  /// Wakes the requests that wait for events. It must shut down before the server, which waits for these requests.
  let waiters: EventWaiters
  /// The connections for reads across workspaces, with the role of the feed; nil if the deployment has none.
  let feed: PostgresPool?

  /// - Throws: `SettingsError`.
  init(_ runtime: ServiceRuntime, _ database: Database, _ workspaces: NamedWorkspaceCache) throws {
    let settings = runtime.settings
    let snapshots = try settings.integer(.maximumSnapshots)
    feed = settings.optionalString(.feedURL).map { url in
      PostgresPool(
        PostgresConfiguration(
          url: url, connections: 1, applicationName: "\(runtime.memberID) feed", exclusiveConnections: snapshots, planning: .onceByIndex),
        logger: runtime.logger)
    }
    let reads = DatabaseEvents(database: database, feed: feed.map { Database(pool: $0, retryTimeout: database.retryTimeout) })
    waiters = EventWaiters(logger: runtime.logger) { try await reads.ends(beyond: $0, of: $1) }
    controller = EventsController(
      reads: reads, waiters: waiters,
      waiting: ConcurrencyLimit(
        try ConcurrencyLimit.Limits(settings, all: .maximumWaiting, perWorkspace: .maximumWaiting, perToken: .maximumWaitingPerToken),
        what: "requests that wait for events"),
      snapshots: ConcurrencyLimit(
        try ConcurrencyLimit.Limits(
          settings, all: .maximumSnapshots, perWorkspace: .maximumSnapshots, perToken: .maximumSnapshotsPerToken),
        what: "snapshots"),
      workspaces: workspaces)
  }
}
