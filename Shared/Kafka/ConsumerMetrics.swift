import Metrics

/// Counters of the messages and batches of a consumer. ``ConsumerProgress`` measures its lag.
struct ConsumerMetrics: Sendable {
  private let messages: Counter
  private let batches: Recorder

  init(group: String) {
    messages = Counter(label: "kafka_messages_received_total", dimensions: [("group", group)])
    batches = Recorder(label: "kafka_batch_messages", dimensions: [("group", group)])
  }

  func record(_ batch: Batch) {
    messages.increment(by: batch.messages.count)
    batches.record(batch.messages.count)
  }
}
