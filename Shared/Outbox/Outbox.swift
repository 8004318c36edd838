import Kafka
import Models
import Postgres

/// A table of messages that are written in the transaction that they tell of, and published by an ``OutboxRelay``.
///
/// The table has the columns `id bigint generated always as identity`, `topic text`, `key bytea`, `headers text[]` (names
/// and values in turn), `payload bytea` `created_at timestamptz default now()`.
///
/// Messages are published in the order of `id`. Two transactions that write about the same resource must not run at once (the second
/// takes the first one's row locks before it inserts here), so that the order of one resource's messages is that of its versions.
public struct Outbox: Sendable {
  let table: String

  /// - Parameter table: With its schema, `identity.outbox`.
  public init(table: String) {
    self.table = table
  }

  /// The step of a transaction that inserts `messages` in their order.
  public func insertion(of messages: [OutgoingMessage]) -> (Statement, [PostgresValue]) {
    (
      Statement(
        "insert into \(table)",
        """
        insert into \(table) (topic, key, headers, payload)
        select topic, key, headers::text[], payload
        from unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[]) with ordinality as message (topic, key, headers, payload, position)
        order by position
        """),
      [
        .textArray(messages.map(\.topic)),
        .bytesArray(messages.map(\.key)),
        .textArray(messages.map { PostgresValue.arrayLiteral($0.headers.flatMap { [$0.name, $0.value] }) }),
        .bytesArray(messages.map(\.value)),
      ]
    )
  }

  /// The oldest messages that are not for one of `topics`, with their age in seconds.
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

  /// The table beside this one for messages that Kafka rejects: `identity.dead_letters`.
  var deadLetters: String {
    guard let dot = table.lastIndex(of: ".") else { return "dead_letters" }
    return table[...dot] + "dead_letters"
  }

  /// The step that puts another message in the place of one, under the same id.
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

  /// The step that forgets messages that are published.
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

  /// A message as ``oldest(_:)`` reads it.
  static func message(_ row: Row) throws -> OutgoingMessage {
    let pairs = try row.textArray(3)
    return OutgoingMessage(
      topic: try row.string(1), key: try row.optionalBytes(2),
      headers: stride(from: 0, to: pairs.count - 1, by: 2).map { (pairs[$0], pairs[$0 + 1]) }, value: try row.bytes(4))
  }
}
