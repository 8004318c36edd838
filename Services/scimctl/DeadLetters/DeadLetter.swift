import Crypto
import Foundation
import Kafka
import Models
import Outbox
import Postgres
import Primitives

/// A message that a service set aside: on a topic of dead letters, or in a table where Kafka rejected it.
struct DeadLetter: Sendable {
  /// Where it is kept: `identity-store.dead-letters/3/17` or `identity.dead_letters/5`.
  var location: String
  /// The service that set it aside.
  var consumer: String
  var kind: Kind
  var at: Date?
  var error: String
  var attempts: Int?
  /// Where it was read, or where it was to go.
  var topic: String
  /// The partition and offset at which it was read.
  var origin: (partition: Int32, offset: Int64)?
  var key: [UInt8]?
  /// Without those that say that it is a dead letter.
  var headers: [(name: String, value: String)]
  /// The message's data, or the beginning of it.
  var payload: [UInt8]
  /// Of the whole data, in bytes.
  var size: Int
  var outcome: Outcome?

  enum Kind: String, Sendable {
    /// On Kafka.
    case letter = "kafka"
    /// In the database, with its head.
    case message = "database"
    /// In the database: an event that the broker rejected.
    case event = "outbox"
  }

  /// What an operator did with it.
  struct Outcome: Sendable, Equatable {
    /// `replayed` or `dropped`.
    var name: String
    var who: String
    var at: Date
  }

  /// The same at every call: the first twelve digits of a hash of where it is kept.
  var id: String { Hex.encode(SHA256.hash(data: Data(location.utf8)).prefix(6)) }

  var isWhole: Bool { payload.count == size }

  var type: String? { header("ce_type") }
  var workspace: WorkspaceID? { header("ce_workspaceid").flatMap { WorkspaceID($0) } }

  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// A dead letter as it was read from a topic.
  init(_ message: Message, consumer: String) {
    let header = message.header
    location = "\(message.topic)/\(message.partition)/\(message.offset)"
    self.consumer = consumer
    kind = .letter
    at = header(DeadLetters.Header.time).flatMap(Timestamp.date) ?? message.timestamp
    error = header(DeadLetters.Header.error) ?? ""
    attempts = header(DeadLetters.Header.attempts).flatMap { Int($0) }
    topic = header(DeadLetters.Header.originTopic) ?? ""
    if let partition = header(DeadLetters.Header.originPartition).flatMap({ Int32($0) }), partition >= 0,
      let offset = header(DeadLetters.Header.originOffset).flatMap({ Int64($0) })
    {
      origin = (partition, offset)
    }
    key = message.key
    headers = message.headers.filter { !DeadLetters.Header.all.contains($0.name) }
    payload = message.value
    size = message.value.count
  }

  /// A row of a table of dead letters.
  init(_ row: Row, schema: String, consumer: String) throws {
    location = "\(schema).dead_letters/\(try row.int(0))"
    self.consumer = consumer
    let kind = try row.string(1)
    self.kind = kind == "event" ? .event : .message
    topic = try row.string(2)
    if let partition = try row.optionalInt(3), let offset = try row.optionalInt(4), partition >= 0 {
      origin = (Int32(partition), Int64(offset))
    }
    key = try row.optionalBytes(5)
    let pairs = try row.textArray(6)
    headers = stride(from: 0, to: pairs.count - 1, by: 2).map { (pairs[$0], pairs[$0 + 1]) }
    payload = try row.bytes(7)
    size = try row.int(8)
    error = try row.string(9)
    attempts = try row.int(10)
    at = try row.timestamp(11)
  }

  /// The message as it goes to its topic again.
  ///
  /// A command's deadline is over and nobody waits for its reply, so that it goes without them.
  var replay: OutgoingMessage {
    let stale: Set<String> = topic == Topic.identityCommands.name ? ["ce_deadline", "ce_replypartition", "ce_correlationid"] : []
    return OutgoingMessage(topic: topic, key: key, headers: headers.filter { !stale.contains($0.name) }, value: payload)
  }
}
