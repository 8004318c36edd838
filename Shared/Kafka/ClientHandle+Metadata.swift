import CKafka

extension ClientHandle {
  /// The number of partitions of each topic whose partitions all have a leader. Blocks for at most `timeout`.
  func partitions(action: String, timeout: Duration) throws(KafkaError) -> [String: Int] {
    try metadata(action: action, topic: nil, timeout: timeout)
  }

  /// The number of partitions of one topic; nil if it does not exist or a partition has no leader. Blocks for at most `timeout`.
  func partitions(of topic: String, action: String, timeout: Duration) throws(KafkaError) -> Int? {
    guard let reference = rd_kafka_topic_new(pointer, topic, nil) else {
      throw KafkaError(rd_kafka_last_error(), action: action, brokers: brokers, topic: topic)
    }
    defer { rd_kafka_topic_destroy(reference) }
    return try metadata(action: action, topic: reference, timeout: timeout)[topic]
  }

  /// The names of all topics, with or without leaders. Blocks for at most `timeout`.
  func topicNames(action: String, timeout: Duration) throws(KafkaError) -> Set<String> {
    Set(try metadata(action: action, topic: nil, requiringLeaders: false, timeout: timeout).keys)
  }

  private func metadata(
    action: String, topic: OpaquePointer?, requiringLeaders: Bool = true, timeout: Duration
  ) throws(KafkaError) -> [String: Int] {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(pointer, topic == nil ? 1 : 0, topic, &metadata, Int32(clamping: timeout.milliseconds))
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else {
      throw KafkaError(code, action: action, brokers: brokers)
    }
    defer { rd_kafka_metadata_destroy(metadata) }
    var partitions: [String: Int] = [:]
    for topic in UnsafeBufferPointer(start: metadata.pointee.topics, count: Int(metadata.pointee.topic_cnt)) {
      let all = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
      let isUsable = topic.err == RD_KAFKA_RESP_ERR_NO_ERROR && !all.isEmpty && all.allSatisfy { $0.leader >= 0 }
      guard isUsable || !requiringLeaders && topic.err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART else { continue }
      partitions[String(cString: topic.topic)] = all.count
    }
    return partitions
  }
}
