import Postgres
import TestSupport
import Testing

@testable import Outbox

@Suite("The monitor of queues")
struct QueueMonitorTests {
  @Test("It counts the rows of an outbox, and measures the age of the oldest")
  func outbox() async throws {
    let pool = try await DeadLetterTable.pool()
    _ = try await pool.query(
      Statement(
        "create outbox",
        "create table outbox (id bigint generated always as identity primary key, created_at timestamptz not null default now())"))
    let queue = QueueMonitor.Queue.outbox("outbox")
    let monitor = QueueMonitor(pool: pool, queues: [queue], logger: quiet)
    let empty = try await monitor.measurement(of: queue)
    #expect(empty.depth == 0 && empty.age == 0)
    _ = try await pool.query(
      Statement("fill outbox", "insert into outbox (created_at) select now() - interval '90 s' * n from generate_series(3, 1, -1) n"))
    let filled = try await monitor.measurement(of: queue)
    #expect(filled.depth == 3)
    #expect(filled.age >= 270)
  }
}
