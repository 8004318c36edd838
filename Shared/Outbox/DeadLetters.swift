import Foundation
import Kafka
import Logging
import Metrics
import Models
import Postgres
import ServiceLifecycle

/// Where a consumer puts the messages that it cannot handle: the topic `<consumer>.dead-letters`, or a table for those that Kafka rejects.
public struct DeadLetters: Sendable {
  /// To be created like any other topic; see ``TopicAdministration``.
  public let topic: Topic
  private let producer: Producer
  private let table: DeadLetterTable
  private let logger: Logger
  private let sent: Counter
  private let stored: Counter

  /// The headers that are added to a dead letter.
  public enum Header {
    /// Why it could not be handled.
    public static let error = "dead-letter-error"
    /// How often it was tried.
    public static let attempts = "dead-letter-attempts"
    public static let originTopic = "dead-letter-origin-topic"
    public static let originPartition = "dead-letter-origin-partition"
    public static let originOffset = "dead-letter-origin-offset"
    /// When it was given up, RFC 3339.
    public static let time = "dead-letter-time"

    public static let all: Set<String> = [error, attempts, originTopic, originPartition, originOffset, time]
  }

  /// - Parameter table: for the messages that Kafka rejects.
  public init(consumer: String, producer: Producer, table: DeadLetterTable, logger: Logger) {
    topic = .deadLetters(of: consumer)
    self.producer = producer
    self.table = table
    self.logger = logger
    sent = Counter(label: "kafka_dead_letters_total", dimensions: [("consumer", consumer), ("kept", "topic")])
    stored = Counter(label: "kafka_dead_letters_total", dimensions: [("consumer", consumer), ("kept", "table")])
  }

  /// Puts the message aside, its key, value and headers unchanged, with headers that say what happened to it. A message that is a
  /// dead letter again gets new ones. Where Kafka rejects it, for example because of its size, its head goes to the table. While Kafka or
  /// the database is away, this waits.
  ///
  /// - Throws: `PostgresError` or ``KafkaError`` where waiting does not help, `CancellationError` also at shutdown. Until this returns, the
  ///   message's offset must not be committed.
  public func send(_ message: Message, error: String, attempts: Int) async throws {
    let text = String(error.prefix(4096))
    let told = [
      (name: Header.error, value: text), (Header.attempts, String(attempts)),
      (Header.originTopic, message.topic), (Header.originPartition, String(message.partition)),
      (Header.originOffset, String(message.offset)), (Header.time, Timestamp.text(Date())),
    ]
    let letter = OutgoingMessage(
      topic: topic.name, key: message.key, headers: message.headers.filter { !Header.all.contains($0.name) } + told,
      value: message.value)
    do {
      try await retrying("dead letter not sent, trying again") { try await producer.send(letter) }
      sent.increment()
    } catch let failure as KafkaError where failure.code != .closed {
      logger.error(
        "Kafka rejects a dead letter; it is stored in the database",
        metadata: ["error": "\(failure)", "table": "\(table.name)", "size": "\(message.value.count)"])
      try await retrying("dead letter not stored, trying again") {
        try await table.store(message, error: "\(text); Kafka rejects the dead letter: \(failure)", attempts: attempts)
      }
      stored.increment()
    }
  }

  /// Repeats `body` while Kafka or the database is away.
  private func retrying(_ failed: Logger.Message, _ body: () async throws -> Void) async throws {
    var pause = Duration.milliseconds(100)
    while true {
      do {
        return try await body()
      } catch let error as KafkaError where error.isRetriable {
        logger.warning(failed, metadata: ["error": "\(error)"])
      } catch let error as PostgresError where error.isTransient {
        logger.warning(failed, metadata: ["error": "\(error)"])
      }
      let pausing = pause
      try await cancelWhenGracefulShutdown { try await Task.sleep(for: pausing) }
      pause = min(pause * 2, .seconds(5))
    }
  }
}

/// A table of messages that Kafka rejects: `<schema>.dead_letters`.
///
/// It has the columns `id bigint generated always as identity`, `kind text`, `topic text`, `origin_partition bigint`, `origin_offset bigint`,
/// `key bytea`, `headers text[]` (names and values in turn), `payload bytea`, `size bigint`, `error text`, `attempts bigint`,
/// `at timestamptz default now()`. What is older than 30 days is deleted when another row comes.
public struct DeadLetterTable: Sendable {
  let name: String
  private let pool: PostgresPool

  /// How much of a message is stored, in bytes. Its origin has the rest for as long as its topic retains it.
  public static let head = 64 << 10

  /// - Parameter name: with its schema, `identity.dead_letters`.
  public init(_ name: String, pool: PostgresPool) {
    self.name = name
    self.pool = pool
  }

  /// Stores the head of a message that was read from Kafka.
  func store(_ message: Message, error: String, attempts: Int) async throws {
    let headers = message.headers.filter { !DeadLetters.Header.all.contains($0.name) }
    _ = try await pool.query(
      Self.insertion(into: name),
      [
        .text("message"), .text(message.topic.storable), .int(Int64(message.partition)), .int(message.offset),
        .optional(message.key.map { Array($0.prefix(Self.head)) }, PostgresValue.bytes),
        .textArray(headers.flatMap { [String($0.name.storable.prefix(200)), String($0.value.storable.prefix(4096))] }),
        .bytes(Array(message.value.prefix(Self.head))), .int(Int64(message.value.count)), .text(error.storable), .int(Int64(attempts)),
      ])
  }

  /// The step of a transaction that stores an outbox row as it is, whole.
  static func insertion(into table: String, of message: OutgoingMessage, error: String, attempts: Int) -> (Statement, [PostgresValue]) {
    (
      insertion(into: table),
      [
        .text("event"), .text(message.topic), .null, .null, .optional(message.key, PostgresValue.bytes),
        .textArray(message.headers.flatMap { [$0.name, $0.value] }), .bytes(message.value), .int(Int64(message.value.count)),
        .text(error.storable), .int(Int64(attempts)),
      ]
    )
  }

  private static func insertion(into table: String) -> Statement {
    Statement(
      "insert into \(table)",
      """
      with expired as (
        delete from \(table)
        where at < now() - interval '30 days'
      )
      insert into \(table) (kind, topic, origin_partition, origin_offset, key, headers, payload, size, error, attempts)
      values ($1, $2, $3::int8, $4::int8, $5::bytea, $6::text[], $7, $8, $9, $10)
      """)
  }
}

extension String {
  /// Without U+0000, which PostgreSQL stores in no text.
  fileprivate var storable: String { contains("\0") ? replacing("\0", with: "\u{FFFD}") : self }
}
