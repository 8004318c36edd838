import Kafka
import Models
import Postgres

/// A transactional outbox: a table of messages that are written in the same transaction as the changes that they describe, and published by an
/// ``OutboxRelay``.
///
/// The table has the columns `id bigint generated always as identity`, `topic text`, `key bytea`, `headers text[]` (names
/// and values alternate), `payload bytea`, `created_at timestamptz default now()`, `partition int` (of the message that caused the row).
///
/// Rows are published in the order of `id`. Transactions that change the same resource have to be serialised (by its row lock, which is
/// acquired before the insertion here), so that the messages of a resource are in the order of its versions.
public struct Outbox: Sendable {
  let table: String

  /// Refers to a table.
  ///
  /// - Parameter table: The name with its schema, `identity.outbox`.
  public init(table: String) {
    self.table = table
  }

  /// The statement that inserts `messages`, in their order.
  ///
  /// - Parameter partitions: For each message, the partition of the message that caused it, which this process has read. The process to which
  ///   that partition is assigned publishes the row if this one cannot. nil, or fewer values than messages, if any process may do so.
  public func insertion(of messages: [OutgoingMessage], from partitions: [Int32?] = []) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "insert into \(table)",
        """
        insert into \(table) (topic, key, headers, payload, partition)
        select topic, key, headers::text[], payload, partition::int
        from unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[], $5::text[]) with ordinality
          as message (topic, key, headers, payload, partition, position)
        order by position
        returning id
        """),
      [
        .textArray(messages.map(\.topic)),
        .bytesArray(messages.map(\.key)),
        .textArray(messages.map { PostgresValue.arrayLiteral($0.headers.flatMap { [$0.name, $0.value] }) }),
        .bytesArray(messages.map(\.value)),
        .textArray(partitions.map { $0.map(String.init) }),
      ]
    )
  }

  /// The messages of an ``insertion(of:)`` with the ids that it returned.
  ///
  /// - Throws: `PostgresDecodingError`.
  public static func stored(_ messages: [OutgoingMessage], _ rows: Rows) throws -> [StoredMessage] {
    try zip(rows, messages).map { row, message in StoredMessage(id: try row.int(0), message: message) }
  }

  /// The statement that deletes rows of published messages, and reads the oldest of the other messages: those that belong to some partitions
  /// or to none.
  ///
  /// - Parameters:
  ///   - topics: Topics whose messages are not read.
  ///   - ids: Messages that are not read, including `deleted`.
  func oldest(
    _ limit: Int, of partitions: [Int32], exceptTopics topics: [String], exceptIDs ids: [Int], deleting deleted: [Int]
  ) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "read \(table)",
        """
        with deleted as (
          delete from \(table)
          where id = any ($4::int8[])
        )
        select id, topic, key, headers, payload
        from \(table)
        where topic <> all ($2::text[])
        and id <> all ($3::int8[])
        and (partition is null or partition = any ($5::int8[]))
        order by id
        limit $1
        """),
      [
        .int(Int64(limit)), .textArray(topics), .intArray(ids.map(Int64.init)), .intArray(deleted.map(Int64.init)),
        .intArray(partitions.map(Int64.init)),
      ]
    )
  }

  /// The table in the same schema for messages that Kafka rejects: `identity.dead_letters`.
  var deadLetters: String {
    guard let dot = table.lastIndex(of: ".") else { return "dead_letters" }
    return table[...dot] + "dead_letters"
  }

  /// The statement that replaces a message, which keeps its id.
  func replacement(of id: Int, with message: OutgoingMessage) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "replace in \(table)",
        """
        update \(table)
        set headers = $2, payload = $3
        where id = $1
        """),
      [.int(Int64(id)), .textArray(message.headers.flatMap { [$0.name, $0.value] }), .bytes(message.value)]
    )
  }

  /// The statement that deletes published messages.
  func deletion(of ids: [Int]) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "delete from \(table)",
        """
        delete from \(table)
        where id = any ($1::int8[])
        """),
      [.intArray(ids.map(Int64.init))]
    )
  }

  /// Decodes a row of ``oldest(_:of:exceptTopics:exceptIDs:deleting:)``.
  static func message(_ row: Row) throws -> StoredMessage {
    let pairs = try row.textArray(3)
    return StoredMessage(
      id: try row.int(0),
      message: OutgoingMessage(
        topic: try row.string(1), key: try row.optionalBytes(2),
        headers: stride(from: 0, to: pairs.count - 1, by: 2).map { (pairs[$0], pairs[$0 + 1]) }, value: try row.bytes(4)))
  }
}

/// A message of an ``Outbox`` with the id of its row.
public struct StoredMessage: Sendable {
  /// The id of the row.
  public var id: Int
  /// The message.
  public var message: OutgoingMessage

  /// Creates a stored message.
  public init(id: Int, message: OutgoingMessage) {
    self.id = id
    self.message = message
  }
}
