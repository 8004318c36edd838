import Kafka
import Logging
import Models
import Postgres

extension OutboxRelay {
  /// The messages of one key on one topic.
  struct OrderingKey: Hashable {
    let topic: String
    let key: [UInt8]?
  }

  /// The outcome of publishing a batch of entries.
  struct PublishResult {
    /// The ids of the messages that the broker has accepted.
    var published: [Int] = []
    /// Topics that accepted a message.
    var reached: Set<String> = []
    /// Topics that do not accept messages at the moment, and why.
    var unreached: [String: KafkaError] = [:]
  }

  /// Publishes entries in order per key. If a message of a key fails, only the messages of that key before it count as published. Later ones are
  /// sent again when it is delivered or replaced.
  nonisolated(nonsending) func publish(_ entries: [StoredMessage], _ result: inout PublishResult) async throws {
    var failed: [OrderingKey: KafkaError] = [:]
    var held: [StoredMessage] = []
    for run in Self.runs(of: entries) {
      let sendable = run.filter { failed[$0.orderingKey] == nil }
      held += run.filter { failed[$0.orderingKey] != nil }
      let failures = try await producer.deliver(sendable.map(\.message))
      for (index, entry) in sendable.enumerated() {
        if let failure = failures[index], failed[entry.orderingKey] == nil { failed[entry.orderingKey] = failure }
        if failures[index] == nil { result.reached.insert(entry.message.topic) }
        if failed[entry.orderingKey] == nil { result.published.append(entry.id) } else { held.append(entry) }
      }
    }
    // A broker rejects a batch as a whole, so only a message that is sent alone is known to be rejected itself.
    for entry in held {
      guard result.unreached[entry.message.topic] == nil else { continue }
      if let failure = failed[entry.orderingKey], !failure.isAboutMessage {
        result.unreached[entry.message.topic] = failure
      } else {
        try await publishAlone(entry, &result)
      }
    }
  }

  private nonisolated(nonsending) func publishAlone(_ entry: StoredMessage, _ result: inout PublishResult) async throws {
    guard let failure = try await producer.deliver([entry.message])[0] else {
      result.reached.insert(entry.message.topic)
      return result.published.append(entry.id)
    }
    guard failure.isAboutMessage else {
      result.unreached[entry.message.topic] = failure
      return
    }
    let reduced = entry.message.withoutLargeFields()
    try await moveToDeadLetters(entry, because: failure, replacement: reduced)
    guard let reduced else { return }
    switch try await producer.deliver([reduced])[0] {
    case nil: result.published.append(entry.id)
    case let failure? where failure.isAboutMessage:
      logger.error(
        "the broker rejects the event without its large fields, too; it is dropped",
        metadata: ["table": "\(outbox.table)", "topic": "\(entry.message.topic)", "error": "\(failure)"])
      result.published.append(entry.id)
    case let failure?: result.unreached[entry.message.topic] = failure
    }
  }

  /// Moves a message to the dead letters and replaces it with `replacement`, in one transaction.
  private nonisolated(nonsending) func moveToDeadLetters(
    _ entry: StoredMessage, because error: KafkaError, replacement: OutgoingMessage?
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
    _ = try await pool.transaction {
      try await $0.pipeline(
        [DeadLetterTable.insertion(into: outbox.deadLetters, of: message, error: "\(error)", attempts: 1), change], commit: true)
    }
    setAside.increment()
  }

  /// The entries in their order, with each large one in a run of its own.
  private static func runs(of entries: [StoredMessage]) -> [[StoredMessage]] {
    var runs: [[StoredMessage]] = []
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
  /// The CloudEvent without its large fields; nil if it has none.
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
