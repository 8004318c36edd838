import Foundation
import Kafka
import Logging
import Metrics
import Models
import Postgres

/// The dead letters of a consumer: the messages that it cannot process. They go to the topic `<consumer>.dead-letters`, or to a table if Kafka
/// rejects them.
public struct DeadLetters: Sendable {
  /// The topic of the dead letters. It is created like any other topic; see ``Kafka/TopicAdministration``.
  public let topic: Topic
  private let producer: Producer
  private let table: DeadLetterTable
  private let logger: Logger
  private let sent: Counter
  private let stored: Counter

  /// The names of the headers that are added to a dead letter.
  public enum Header {
    /// Why the message could not be processed.
    public static let error = "dead-letter-error"
    /// How often it was tried.
    public static let attempts = "dead-letter-attempts"
    /// The topic that it was read from.
    public static let originTopic = "dead-letter-origin-topic"
    /// The partition that it was read from.
    public static let originPartition = "dead-letter-origin-partition"
    /// Its offset on that partition.
    public static let originOffset = "dead-letter-origin-offset"
    /// When it was dead-lettered (RFC 3339).
    public static let time = "dead-letter-time"

    /// The names of all these headers.
    public static let all: Set<String> = [error, attempts, originTopic, originPartition, originOffset, time]
  }

  /// Creates the dead letters of a consumer.
  ///
  /// - Parameter table: Stores the messages that Kafka rejects.
  public init(consumer: String, producer: Producer, table: DeadLetterTable, logger: Logger) {
    topic = .deadLetters(of: consumer)
    self.producer = producer
    self.table = table
    self.logger = logger
    sent = Counter(label: "kafka_dead_letters_total", dimensions: [("consumer", consumer), ("kept", "topic")])
    stored = Counter(label: "kafka_dead_letters_total", dimensions: [("consumer", consumer), ("kept", "table")])
  }

  /// Sends a message to the dead letters, with its key, value and headers unchanged, and with the headers of ``Header``. If it was a dead letter
  /// before, those are replaced. If Kafka rejects it, for example because of its size, its first bytes go to the table. While Kafka or the
  /// database is unavailable, this waits.
  ///
  /// The offset of the message must not be committed before this returns.
  ///
  /// - Throws: `PostgresError` or `KafkaError` if the error is permanent; `CancellationError`, also at shutdown.
  public func send(_ message: Message, error: String, attempts: Int) async throws {
    let text = String(error.prefix(4096))
    let origin = [
      (name: Header.error, value: text), (Header.attempts, String(attempts)),
      (Header.originTopic, message.topic), (Header.originPartition, String(message.partition)),
      (Header.originOffset, String(message.offset)), (Header.time, Timestamp.text(Date())),
    ]
    let deadLetter = OutgoingMessage(
      topic: topic.name, key: message.key, headers: message.headers.filter { !Header.all.contains($0.name) } + origin,
      value: message.value)
    let retryPolicy = RetryPolicy(logger: logger)
    do {
      try await retryPolicy.run("sending a dead letter", retrying: Self.isTemporary) { try await producer.send(deadLetter) }
      sent.increment()
    } catch let failure as KafkaError where failure.code != .closed {
      logger.error(
        "Kafka rejects a dead letter; it is stored in the database",
        metadata: ["error": "\(failure)", "table": "\(table.name)", "size": "\(message.value.count)"])
      try await retryPolicy.run("storing a dead letter", retrying: Self.isTemporary) {
        try await table.store(message, error: "\(text); Kafka rejects the dead letter: \(failure)", attempts: attempts)
      }
      stored.increment()
    }
  }

  /// Whether Kafka or the database is unavailable for the moment.
  @Sendable private static func isTemporary(_ error: any Error) -> Bool {
    switch error {
    case let error as KafkaError: error.isRetriable
    case let error as PostgresError: error.isTransient
    default: false
    }
  }
}

/// The table for messages that Kafka rejects: `<schema>.dead_letters`.
///
/// It has the columns `id bigint generated always as identity`, `kind text`, `topic text`, `origin_partition bigint`, `origin_offset bigint`,
/// `key bytea`, `headers text[]` (names and values in turn), `payload bytea`, `size bigint`, `error text`, `attempts bigint`,
/// `at timestamptz default now()`. Rows that are older than 30 days are deleted when another row is inserted.
public struct DeadLetterTable: Sendable {
  let name: String
  private let pool: PostgresPool

  /// The maximum number of bytes that are stored of a message. The rest remains on its topic until the end of the retention time.
  public static let head = 64 << 10

  /// Refers to a table.
  ///
  /// - Parameter name: The name with its schema, `identity.dead_letters`.
  public init(_ name: String, pool: PostgresPool) {
    self.name = name
    self.pool = pool
  }

  /// Stores the first bytes of a message that was read from Kafka.
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

  /// The statement that stores the complete message of an outbox row.
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
  /// The string with U+FFFD in place of U+0000, which PostgreSQL cannot store.
  fileprivate var storable: String { contains("\0") ? replacing("\0", with: "\u{FFFD}") : self }
}
