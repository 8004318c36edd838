import CKafka
import Metrics

/// What a consumer measures.
struct ConsumerMetrics: Sendable {
  private let messages: Counter
  private let batches: Recorder
  private let group: String

  init(group: String) {
    self.group = group
    messages = Counter(label: "kafka_messages_received_total", dimensions: [("group", group)])
    batches = Recorder(label: "kafka_batch_messages", dimensions: [("group", group)])
  }

  /// Counts a batch, and how many messages are left behind it on each of its partitions.
  func record(_ batch: Batch, _ handle: ClientHandle) {
    messages.increment(by: batch.messages.count)
    batches.record(batch.messages.count)
    for (partition, position) in batch.positions {
      var (low, high): (Int64, Int64) = (0, 0)
      let code = rd_kafka_get_watermark_offsets(handle.pointer, partition.topic, partition.partition, &low, &high)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { continue }
      Gauge(
        label: "kafka_consumer_lag_messages",
        dimensions: [("group", group), ("topic", partition.topic), ("partition", String(partition.partition))]
      ).record(max(high - position.next, 0))
    }
  }
}
