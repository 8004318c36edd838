import Foundation
import Kafka
import Logging
import Models
import Postgres
import SCIM

/// The dead letters of the suite, on Kafka and in the database, with what operators did with them.
struct DeadLetterRepository: Sendable {
  let reader: TopicReader
  let pool: PostgresPool

  /// The services that set messages aside, with the schemas that they write.
  static let consumers = [("identity-store", "identity"), ("invitation-mailer", "mailer"), ("group-sync", "directory")]

  /// All of them, the oldest first.
  ///
  /// - Parameter consumer: nil for those of every service.
  /// - Throws: `KafkaError`, `PostgresError`.
  func all(of consumer: String? = nil) async throws -> [DeadLetter] {
    var letters: [DeadLetter] = []
    for (name, schema) in Self.consumers where consumer == nil || consumer == name {
      letters += try await reader.messages(on: Topic.deadLetters(of: name).name) { DeadLetter($0, consumer: name) }
      letters += try await pool.query(DeadLetterStatements.all(in: schema)).map { try DeadLetter($0, schema: schema, consumer: name) }
    }
    let outcomes = try await outcomes()
    for index in letters.indices { letters[index].outcome = outcomes[letters[index].location] }
    return letters.sorted { ($0.at ?? .distantPast, $0.location) < ($1.at ?? .distantPast, $1.location) }
  }

  /// The one whose id begins with `prefix`.
  ///
  /// - Throws: ``Failure`` where there is none, or more than one.
  func letter(_ prefix: String) async throws -> DeadLetter {
    try Self.choose(prefix, from: try await all())
  }

  static func choose(_ prefix: String, from letters: [DeadLetter]) throws -> DeadLetter {
    let found = letters.filter { $0.id.hasPrefix(prefix.lowercased()) }
    guard let letter = found.first else {
      throw Failure(
        .notFound, "there is no dead letter '\(prefix)'. 'scimctl dead-letters list --all' shows those there are; they are kept for 30 days"
      )
    }
    guard found.count == 1 else {
      throw Failure(
        .usage, "'\(prefix)' is the beginning of \(found.count) ids: \(found.prefix(5).map(\.id).joined(separator: ", ")). Give more of it")
    }
    return letter
  }

  /// The letter with all of its data: of one that was too large to be kept, its origin has the rest.
  ///
  /// - Throws: ``Failure`` where the origin does not have it any more.
  func whole(_ letter: DeadLetter) async throws -> DeadLetter {
    guard !letter.isWhole else { return letter }
    guard let origin = letter.origin,
      let message = try await reader.message(
        at: origin.offset, of: TopicPartition(topic: letter.topic, partition: origin.partition)), message.value.count == letter.size
    else {
      throw Failure(
        .notFound,
        "only the first \(letter.payload.count) of \(letter.size) bytes of dead letter \(letter.id) are stored, and topic '\(letter.topic)' does not "
          + "retain the message any more. Have the sender send it again, then: scimctl dead-letters drop \(letter.id)")
    }
    var whole = letter
    whole.key = message.key
    whole.headers = message.headers
    whole.payload = message.value
    return whole
  }

  /// Marks the letter as handled, and runs `body` before that takes effect: where it fails, nothing is marked.
  ///
  /// - Throws: ``Failure`` where it is handled already.
  func settle(_ letter: DeadLetter, as outcome: String, by who: String, _ body: @Sendable () async throws -> Void) async throws {
    let asked: JSONObject = [
      "deadLetter": .string(letter.id), "location": .string(letter.location), "type": .string(letter.type ?? "-"),
      "error": .string(String(letter.error.prefix(500))),
    ]
    let summary: JSONObject = ["asked": .object(asked)]
    try await pool.transaction { transaction in
      let isFirst = try await transaction.query(
        DeadLetterStatements.settle,
        [
          .text(letter.location), .text(outcome), .text(who), .optional(letter.workspace?.uuid, PostgresValue.uuid),
          .uuid(CommandID.made(at: .now).uuid), .text("dead-letter \(letter.id)"),
          .text(String(decoding: summary.serialized(), as: UTF8.self)),
        ]
      ).first?.bool(0)
      guard isFirst == true else { throw Failure(.alreadyThere, "dead letter \(letter.id) was handled by somebody else meanwhile") }
      try await body()
    }
  }

  private func outcomes() async throws -> [String: DeadLetter.Outcome] {
    try await pool.query(DeadLetterStatements.outcomes).reduce(into: [:]) { outcomes, row in
      outcomes[try row.string(0)] = DeadLetter.Outcome(name: try row.string(1), who: try row.string(2), at: try row.timestamp(3))
    }
  }
}

enum DeadLetterStatements {
  static func all(in schema: String) -> Statement {
    Statement(
      "dead letters of \(schema)",
      """
      select id, kind, topic, origin_partition, origin_offset, key, headers, payload, size, error, attempts, at
      from \(schema)_read.dead_letters
      order by id
      """)
  }

  static let outcomes = Statement(
    "outcomes of dead letters",
    """
    select location, outcome, operator, at
    from identity_read.dead_letter_outcomes
    """)

  static let settle = Statement(
    "settle a dead letter",
    """
    select identity_read.settle_dead_letter($1, $2, $3, $4::uuid, $5, $6, $7)
    """)
}
