import Foundation
import Kafka
import Logging
import Models
import Postgres
import SCIM

/// Reads the dead letters in Kafka and in the database, and records what operators did with them.
struct DeadLetterRepository: Sendable {
  let reader: TopicReader
  let pool: PostgresPool

  /// The services that have dead letters, with their database schemas.
  static let consumers = [("identity-store", "identity"), ("invitation-mailer", "mailer"), ("group-sync", "directory")]

  /// All dead letters, the oldest first.
  ///
  /// - Parameter consumer: Only those of this service; nil for every service.
  /// - Throws: `KafkaError`, `PostgresError`.
  func all(of consumer: String? = nil) async throws -> [DeadLetter] {
    var letters: [DeadLetter] = []
    for (name, schema) in Self.consumers where consumer == nil || consumer == name {
      letters += try await reader.messages(on: Topic.deadLetters(of: name).name) { DeadLetter($0, consumer: name) }
      letters += try await pool.query(DeadLetterQueries.all(in: schema)).map { try DeadLetter($0, schema: schema, consumer: name) }
    }
    let outcomes = try await outcomes()
    for index in letters.indices { letters[index].outcome = outcomes[letters[index].location] }
    return letters.sorted { ($0.at ?? .distantPast, $0.location) < ($1.at ?? .distantPast, $1.location) }
  }

  /// Finds the dead letter with an id that starts with `prefix`.
  ///
  /// - Throws: ``ScimctlError`` if there is none, or more than one; `KafkaError`; `PostgresError`.
  func letter(_ prefix: String) async throws -> DeadLetter {
    try Self.select(prefix, from: try await all())
  }

  /// Selects the dead letter with an id that starts with `prefix`.
  ///
  /// - Throws: ``ScimctlError`` if there is none, or more than one.
  static func select(_ prefix: String, from letters: [DeadLetter]) throws -> DeadLetter {
    let found = letters.filter { $0.id.hasPrefix(prefix.lowercased()) }
    guard let letter = found.first else {
      throw ScimctlError(
        .notFound, "dead letter '\(prefix)' does not exist. 'scimctl dead-letters list --all' lists them; they are kept for 30 days"
      )
    }
    guard found.count == 1 else {
      throw ScimctlError(
        .usage, "\(found.count) ids start with '\(prefix)': \(found.prefix(5).map(\.id).joined(separator: ", ")). Enter more of the id")
    }
    return letter
  }

  /// Returns the dead letter with all of its data. If the data was too large to store, the message is read from its original topic.
  ///
  /// - Throws: ``ScimctlError`` if the original topic no longer has the message; `KafkaError`.
  func complete(_ letter: DeadLetter) async throws -> DeadLetter {
    guard !letter.isComplete else { return letter }
    guard let origin = letter.origin,
      let message = try await reader.message(
        at: origin.offset, of: TopicPartition(topic: letter.topic, partition: origin.partition)), message.value.count == letter.size
    else {
      throw ScimctlError(
        .notFound,
        "only the first \(letter.payload.count) of \(letter.size) bytes of dead letter \(letter.id) are stored, and topic '\(letter.topic)' no longer "
          + "has the message. Ask the sender to send it again, then: scimctl dead-letters drop \(letter.id)")
    }
    var complete = letter
    complete.key = message.key
    complete.headers = message.headers
    complete.payload = message.value
    return complete
  }

  /// Runs `body` and marks the dead letter as handled, in one transaction. If `body` throws, the letter stays open.
  ///
  /// - Throws: ``ScimctlError`` if it was handled already; whatever `body` throws; `PostgresError`.
  func markHandled(_ letter: DeadLetter, as outcome: String, by actor: String, _ body: @Sendable () async throws -> Void) async throws {
    let asked: JSONObject = [
      "deadLetter": .string(letter.id), "location": .string(letter.location), "type": .string(letter.type ?? "-"),
      "error": .string(String(letter.error.prefix(500))),
    ]
    let summary: JSONObject = ["asked": .object(asked)]
    try await pool.transaction { transaction in
      let isFirst = try await transaction.query(
        DeadLetterQueries.settle,
        [
          .text(letter.location), .text(outcome), .text(actor), .optional(letter.workspace?.uuid, PostgresValue.uuid),
          .uuid(CommandID.made(at: .now).uuid), .text("dead-letter \(letter.id)"),
          .text(String(decoding: summary.serialized(), as: UTF8.self)),
        ]
      ).first?.bool(0)
      guard isFirst == true else {
        throw ScimctlError(.alreadyExists, "dead letter \(letter.id) was handled by another operator in the meantime")
      }
      try await body()
    }
  }

  private func outcomes() async throws -> [String: DeadLetter.Outcome] {
    try await pool.query(DeadLetterQueries.outcomes).reduce(into: [:]) { outcomes, row in
      outcomes[try row.string(0)] = DeadLetter.Outcome(name: try row.string(1), actor: try row.string(2), at: try row.timestamp(3))
    }
  }
}

/// Statements for dead letters.
enum DeadLetterQueries {
  /// The dead letters in a schema.
  static func all(in schema: String) -> Statement {
    Statement(
      "dead letters of \(schema)",
      """
      select id, kind, topic, origin_partition, origin_offset, key, headers, payload, size, error, attempts, at
      from \(schema)_read.dead_letters
      order by id
      """)
  }

  /// What operators did with dead letters.
  static let outcomes = Statement(
    "outcomes of dead letters",
    """
    select location, outcome, operator, at
    from identity_read.dead_letter_outcomes
    """)

  /// Marks a dead letter as handled; false if it was handled already.
  static let settle = Statement(
    "settle a dead letter",
    """
    select identity_read.settle_dead_letter($1, $2, $3, $4::uuid, $5, $6, $7)
    """)
}
