/// Collects the messages of a batch.
struct BatchBuilder {
  private(set) var messages: [Message] = []
  private(set) var bytes = 0
  private var positions: [TopicPartition: Batch.Position] = [:]
  private var revision: UInt64?

  /// Adds a message in the current term of its partition.
  mutating func add(_ message: Message, under assignment: Assignment) {
    let partition = TopicPartition(topic: message.topic, partition: message.partition)
    if positions[partition] == nil || revision != assignment.revision {
      dropLost(under: assignment)
      guard let term = assignment.term(of: partition) else { return }
      positions[partition] = Batch.Position(next: 0, term: term)
    }
    positions[partition]?.next = message.offset + 1
    messages.append(message)
    bytes += message.value.count
  }

  /// The batch without messages of partitions that were revoked in the meantime; nil if it is empty.
  mutating func batch(id: UInt64, under assignment: Assignment) -> Batch? {
    dropLost(under: assignment)
    return messages.isEmpty ? nil : Batch(messages: messages, id: id, positions: positions)
  }

  /// Drops the messages of partitions that were revoked since, even if they were assigned again: then they are read again.
  private mutating func dropLost(under assignment: Assignment) {
    defer { revision = assignment.revision }
    guard revision != assignment.revision, !positions.isEmpty else { return }
    let lost = positions.filter { assignment.term(of: $0.key) != $0.value.term }
    guard !lost.isEmpty else { return }
    for partition in lost.keys { positions[partition] = nil }
    messages.removeAll { lost[TopicPartition(topic: $0.topic, partition: $0.partition)] != nil }
    bytes = messages.reduce(0) { $0 + $1.value.count }
  }
}
