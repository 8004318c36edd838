import Crypto
import Foundation
import Kafka
import Models
import Outbox
import Postgres
import Primitives

/// A message that a service could not process and moved to a dead-letter topic, or to a table if Kafka rejected it.
struct DeadLetter: Sendable {
  /// Where it is stored: `identity-store.dead-letters/3/17` or `identity.dead_letters/5`.
  var location: String
  /// The service that could not process it.
  var consumer: String
  /// Where it is stored.
  var kind: Kind
  /// When it was set aside.
  var at: Date?
  /// Why it could not be processed.
  var error: String
  /// How often the service tried.
  var attempts: Int?
  /// The topic that it was read from, or that it was sent to.
  var topic: String
  /// The partition and offset at which it was read.
  var origin: (partition: Int32, offset: Int64)?
  var key: [UInt8]?
  /// The headers of the original message.
  var headers: [(name: String, value: String)]
  /// The data of the message, or the beginning of it.
  var payload: [UInt8]
  /// The size of the complete data, in bytes.
  var size: Int
  /// What an operator did with it; nil while it is open.
  var outcome: Outcome?

  /// Where dead letters are stored.
  enum Kind: String, Sendable {
    /// A message on a dead-letter topic.
    case kafka
    /// A message in the database, with the beginning of its data.
    case database
    /// An event in the database that the broker rejected.
    case outbox
  }

  /// What an operator did with a dead letter.
  struct Outcome: Sendable, Equatable {
    /// `replayed` or `dropped`.
    var name: String
    /// The operator.
    var actor: String
    var at: Date
  }

  /// A stable id: the first twelve hexadecimal digits of the SHA-256 of the location.
  var id: String { Hex.encode(SHA256.hash(data: Data(location.utf8)).prefix(6)) }

  /// Whether all data is stored.
  var isComplete: Bool { payload.count == size }

  /// The type of the event or command.
  var type: String? { header("ce_type") }
  /// The workspace that it belongs to.
  var workspace: WorkspaceID? { header("ce_workspaceid").flatMap { WorkspaceID($0) } }

  /// The value of a header of the original message.
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// A dead letter on a topic.
  init(_ message: Message, consumer: String) {
    let header = message.header
    location = "\(message.topic)/\(message.partition)/\(message.offset)"
    self.consumer = consumer
    kind = .kafka
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

  /// A dead letter in a table.
  init(_ row: Row, schema: String, consumer: String) throws {
    location = "\(schema).dead_letters/\(try row.int(0))"
    self.consumer = consumer
    let kind = try row.string(1)
    self.kind = kind == "event" ? .outbox : .database
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

  /// The message to send to its topic again.
  ///
  /// A command is sent without deadline and reply address, because its deadline has passed and nobody waits for the reply.
  var replay: OutgoingMessage {
    let stale: Set<String> = topic == Topic.identityCommands.name ? ["ce_deadline", "ce_replypartition", "ce_correlationid"] : []
    return OutgoingMessage(topic: topic, key: key, headers: headers.filter { !stale.contains($0.name) }, value: payload)
  }
}
