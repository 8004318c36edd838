import Kafka
import Models
import Postgres

/// A transactional outbox: a table of messages that are written in the same transaction as the changes that they describe, and published by an
/// ``OutboxRelay``.
///
/// The table has the columns `id bigint generated always as identity`, `topic text`, `key bytea`, `headers text[]` (names
/// and values alternate), `payload bytea`, `created_at timestamptz default now()`.
///
/// Messages are published in the order of `id`. Transactions that change the same resource have to be serialised (by its row lock, which is
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
  public func insertion(of messages: [OutgoingMessage]) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "insert into \(table)",
        """
        insert into \(table) (topic, key, headers, payload)
        select topic, key, headers::text[], payload
        from unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[]) with ordinality as message (topic, key, headers, payload, position)
        order by position
        returning id
        """),
      [
        .textArray(messages.map(\.topic)),
        .bytesArray(messages.map(\.key)),
        .textArray(messages.map { PostgresValue.arrayLiteral($0.headers.flatMap { [$0.name, $0.value] }) }),
        .bytesArray(messages.map(\.value)),
      ]
    )
  }

  /// The messages of an ``insertion(of:)`` with the ids that it returned.
  ///
  /// - Throws: `PostgresDecodingError`.
  public static func stored(_ messages: [OutgoingMessage], _ rows: Rows) throws -> [StoredMessage] {
    try zip(rows, messages).map { row, message in StoredMessage(id: try row.int(0), message: message) }
  }

  /// The statement that reads the oldest messages, except those for `topics`, with their age in seconds.
  func oldest(_ limit: Int, except topics: [String]) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "read \(table)",
        """
        select id, topic, key, headers, payload, extract(epoch from clock_timestamp() - created_at)::float8
        from \(table)
        where topic <> all ($2::text[])
        order by id
        limit $1
        """),
      [.int(Int64(limit)), .textArray(topics)]
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

  /// Decodes a row of ``oldest(_:except:)``.
  static func message(_ row: Row) throws -> OutgoingMessage {
    let pairs = try row.textArray(3)
    return OutgoingMessage(
      topic: try row.string(1), key: try row.optionalBytes(2),
      headers: stride(from: 0, to: pairs.count - 1, by: 2).map { (pairs[$0], pairs[$0 + 1]) }, value: try row.bytes(4))
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
