import Logging
import Migrations
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("The monitor of partitions", .timeLimit(.minutes(10)))
struct PartitionMonitorTests {
  @Test("It counts the days after today that have a partition")
  func days() async throws {
    let table = "directory.events"
    let server = try await PostgresServer.shared()
    let name = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: name, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: "PartitionMonitorTests", maximumWait: PostgresServer.testTimeout, planning: .onceByIndex),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
    let (owner, service) = (pool("postgres"), pool("group_sync"))
    let monitor = PartitionMonitor(
      pool: service, tables: [table], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    for (dropped, remaining) in [(nil, 2), (2, 1), (1, 0), (0, -1)] as [(Int?, Int)] {
      if let dropped {
        // The migration may have run before midnight.
        let sql = """
          do $$
          declare partition text := '\(table)_' || to_char((now() at time zone 'UTC')::date + \(dropped), 'YYYYMMDD');
          begin
            if to_regclass(partition) is not null then execute 'drop table ' || partition; end if;
          end
          $$
          """
        _ = try await owner.query(Statement(once: "drop partition", sql))
      }
      let days = try #require(try await monitor.daysAhead(of: table))
      #expect(days == remaining || days == remaining - 1)
    }
    await owner.close()
    await service.close()
  }
}
