import Foundation
import Kafka
import Models
import Postgres

/// Stores the offsets of a consumer group and the messages that it missed, in the schema of its service.
///
/// The schema has the tables `consumer_offsets` and `skipped_messages`.
public struct ConsumerHistory: Sendable {
  private let pool: PostgresPool
  private let schema: String
  /// The consumer group.
  public let consumer: String

  /// Creates the history of a consumer group.
  ///
  /// - Parameter schema: The schema of the service: `identity`.
  public init(pool: PostgresPool, schema: String, consumer: String) {
    self.pool = pool
    self.schema = schema
    self.consumer = consumer
  }

  /// The last recorded offsets of the group.
  ///
  /// - Throws: `PostgresError`.
  public func offsets() async throws -> [TopicPartition: Int64] {
    let statement = Statement(
      "\(schema) consumer offsets",
      """
      select topic, partition::int8, next_offset
      from \(schema).consumer_offsets
      where consumer = $1
      """)
    var offsets: [TopicPartition: Int64] = [:]
    for row in try await pool.query(statement, [.text(consumer)]) {
      offsets[TopicPartition(topic: try row.string(0), partition: Int32(try row.int(1)))] = Int64(try row.int(2))
    }
    return offsets
  }

  /// Records offsets of the group.
  func record(_ offsets: [TopicPartition: Int64]) async throws {
    guard !offsets.isEmpty else { return }
    let statement = Statement(
      "record \(schema) consumer offsets",
      """
      insert into \(schema).consumer_offsets (consumer, topic, partition, next_offset)
      select $1, topic, partition::int, next_offset
      from unnest($2::text[], $3::int8[], $4::int8[]) as recorded (topic, partition, next_offset)
      on conflict (consumer, topic, partition) do update
      set next_offset = excluded.next_offset
      """)
    let sorted = offsets.sorted { ($0.key.topic, $0.key.partition) < ($1.key.topic, $1.key.partition) }
    _ = try await pool.query(
      statement,
      [
        .text(consumer), .textArray(sorted.map(\.key.topic)), .intArray(sorted.map { Int64($0.key.partition) }),
        .intArray(sorted.map(\.value)),
      ])
  }

  /// Records gaps of missed messages.
  ///
  /// - Parameter rebuild: The rebuild that restores the state of a gap; nil if it cannot be restored.
  func record(_ gaps: [OffsetGap], at time: Date, rebuild: (OffsetGap) -> CommandID?) async throws {
    let statement = Statement(
      "record \(schema) skipped messages",
      """
      insert into \(schema).skipped_messages (
        consumer, topic, partition, noticed_at, cause, expected_offset, resumed_offset, rebuild_id
      )
      select $1, topic, partition::int, $2, cause, expected_offset, resumed_offset, rebuild_id
      from unnest($3::text[], $4::int8[], $5::text[], $6::int8[], $7::int8[], $8::uuid[])
        as skipped (topic, partition, cause, expected_offset, resumed_offset, rebuild_id)
      on conflict do nothing
      """)
    _ = try await pool.query(
      statement,
      [
        .text(consumer), .timestamp(time), .textArray(gaps.map(\.partition.topic)), .intArray(gaps.map { Int64($0.partition.partition) }),
        .textArray(gaps.map(\.cause.rawValue)), .intArray(gaps.map(\.expected)), .intArray(gaps.map(\.resumed)),
        .uuidArray(gaps.map { rebuild($0)?.uuid }),
      ])
  }

  /// Rebuilds that were not requested yet: their reasons, by id.
  func pendingRebuilds() async throws -> [CommandID: String] {
    let statement = Statement(
      "pending rebuilds of \(schema)",
      """
      select rebuild_id, string_agg(topic || '[' || partition || '] from ' || expected_offset || ' to ' || resumed_offset, ', ' order by topic, partition)
      from \(schema).skipped_messages
      where consumer = $1
      and rebuild_id is not null
      and rebuild_requested_at is null
      group by rebuild_id
      """)
    var pending: [CommandID: String] = [:]
    for row in try await pool.query(statement, [.text(consumer)]) { pending[CommandID(try row.uuid(0))] = try row.string(1) }
    return pending
  }

  /// Records that a rebuild was requested.
  func recordRequest(of rebuild: CommandID, at time: Date) async throws {
    let statement = Statement(
      "record rebuild of \(schema)",
      """
      update \(schema).skipped_messages
      set rebuild_requested_at = $2
      where rebuild_id = $1
      """)
    _ = try await pool.query(statement, [.uuid(rebuild.uuid), .timestamp(time)])
  }
}
