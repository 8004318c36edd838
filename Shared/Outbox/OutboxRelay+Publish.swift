import Kafka
import Logging
import Metrics
import Models
import Postgres

extension OutboxRelay {
  /// A row of the outbox.
  struct Entry {
    let id: Int
    let message: OutgoingMessage

    init(_ row: Row) throws {
      id = try row.int(0)
      message = try Outbox.message(row)
    }

    /// What its order is kept among.
    var sequence: OrderingKey { OrderingKey(topic: message.topic, key: message.key) }

    /// Whether it may be larger than its topic allows. It is sent alone, so that nothing overtakes what replaces it.
    var isLarge: Bool { message.size > 512 << 10 }
  }

  /// The messages of one key on one topic.
  struct OrderingKey: Hashable {
    let topic: String
    let key: [UInt8]?
  }

  /// What became of a number of entries.
  struct Round {
    /// The ids of the messages that the broker has accepted.
    var published: [Int] = []
    /// Topics that took a message.
    var reached: Set<String> = []
    /// Topics that do not take messages at the moment, and why.
    var unreached: [String: KafkaError] = [:]
  }

  /// Publishes entries in the order of their keys. Of a key whose message fails, what the broker has up to that message counts as
  /// published; what comes after it follows again once it is delivered or replaced.
  nonisolated(nonsending) func publish(_ entries: [Entry], _ round: inout Round, in session: PostgresSession) async throws {
    var failed: [OrderingKey: KafkaError] = [:]
    var held: [Entry] = []
    for run in Self.runs(of: entries) {
      let sendable = run.filter { failed[$0.sequence] == nil }
      held += run.filter { failed[$0.sequence] != nil }
      let failures = try await producer.deliver(sendable.map(\.message))
      for (index, entry) in sendable.enumerated() {
        if let failure = failures[index], failed[entry.sequence] == nil { failed[entry.sequence] = failure }
        if failures[index] == nil { round.reached.insert(entry.message.topic) }
        if failed[entry.sequence] == nil { round.published.append(entry.id) } else { held.append(entry) }
      }
    }
    // A broker that rejects a batch rejects all messages of it: only one that is sent alone is known to be the culprit.
    for entry in held {
      guard round.unreached[entry.message.topic] == nil else { continue }
      if let failure = failed[entry.sequence], !failure.isAboutMessage {
        round.unreached[entry.message.topic] = failure
      } else {
        try await publishAlone(entry, &round, in: session)
      }
    }
  }

  private nonisolated(nonsending) func publishAlone(_ entry: Entry, _ round: inout Round, in session: PostgresSession) async throws {
    guard let failure = try await producer.deliver([entry.message])[0] else {
      round.reached.insert(entry.message.topic)
      return round.published.append(entry.id)
    }
    guard failure.isAboutMessage else {
      round.unreached[entry.message.topic] = failure
      return
    }
    let reduced = entry.message.withoutLargeFields()
    try await setAside(entry, because: failure, replacement: reduced, in: session)
    guard let reduced else { return }
    switch try await producer.deliver([reduced])[0] {
    case nil: round.published.append(entry.id)
    case let failure? where failure.isAboutMessage:
      logger.error(
        "the broker rejects the event without its large fields, too; it is dropped",
        metadata: ["table": "\(outbox.table)", "topic": "\(entry.message.topic)", "error": "\(failure)"])
      round.published.append(entry.id)
    case let failure?: round.unreached[entry.message.topic] = failure
    }
  }

  /// Moves a message to the dead letters, and puts `replacement` in its place, in one transaction.
  private nonisolated(nonsending) func setAside(
    _ entry: Entry, because error: KafkaError, replacement: OutgoingMessage?, in session: PostgresSession
  ) async throws {
    let message = entry.message
    func header(_ name: String) -> String { message.headers.first { $0.name == name }?.value ?? "" }
    logger.error(
      "the broker rejects an event; it is set aside",
      metadata: [
        "table": "\(outbox.table)", "topic": "\(message.topic)", "type": "\(header("ce_type"))", "event": "\(header("ce_id"))",
        "workspace": "\(header("ce_workspaceid"))", "size": "\(message.value.count)", "error": "\(error)",
        "replacement": "\(replacement == nil ? "none" : "the event without its large fields")",
      ])
    let change = replacement.map { outbox.replacement(of: entry.id, with: $0) } ?? outbox.deletion(of: [entry.id])
    _ = try await session.transaction {
      try await $0.pipeline(
        [DeadLetterTable.insertion(into: outbox.deadLetters, of: message, error: "\(error)", attempts: 1), change], commit: true)
    }
    Counter(label: "kafka_outbox_set_aside_total", dimensions: [("table", outbox.table), ("reason", error.code.rawValue)]).increment()
  }

  /// The entries in their order, each large one by itself.
  private static func runs(of entries: [Entry]) -> [[Entry]] {
    var runs: [[Entry]] = []
    for entry in entries {
      if entry.isLarge || runs.isEmpty || runs.last?.first?.isLarge == true {
        runs.append([entry])
      } else {
        runs[runs.count - 1].append(entry)
      }
    }
    return runs
  }
}

extension OutgoingMessage {
  /// The CloudEvent without its large fields; nil where it is none that has any, or has lost them already.
  fileprivate func withoutLargeFields() -> OutgoingMessage? {
    do {
      guard let event = try CloudEvent(headers: headers, data: value).withoutLargeFields() else { return nil }
      var message = self
      message.headers = event.headers
      message.value = event.data
      return message
    } catch {
      return nil
    }
  }
}
