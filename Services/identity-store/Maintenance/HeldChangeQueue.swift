import Metrics
import Outbox
import Postgres

extension QueueMonitor.Queue {
  /// The changes that wait for approval. Only they and rejected ones are in the partial index of `standing`, so the many decided ones are not
  /// read.
  static let heldChanges = QueueMonitor.Queue(
    Statement(
      "measure held changes",
      """
      select count(*), coalesce(extract(epoch from now() - min(held_at)), 0)::float8
      from identity.held_changes
      where standing and status = 'pending'
      """),
    depth: Gauge(label: "rollcall_store_held_changes"), age: Gauge(label: "rollcall_store_held_changes_oldest_seconds"))
}
