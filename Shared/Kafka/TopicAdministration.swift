import CKafka
import Logging
import Models

/// Creates the topics of the suite.
public enum TopicAdministration {
  /// Creates missing topics, and returns when they can be used. Existing topics are not changed. If one has fewer partitions, a shorter retention
  /// or a smaller message limit than configured, a warning is logged.
  ///
  /// - Parameters:
  ///   - partitions: The number of partitions of new topics.
  ///   - replication: The number of replicas of new topics; -1 for the default of the brokers.
  ///   - timeout: The maximum time to wait for the brokers.
  /// - Throws: ``KafkaError``; it is retriable if no broker answered in time.
  public static func ensure(
    _ topics: [Topic], partitions: Int, replication: Int, configuration: KafkaConfiguration, timeout: Duration = .seconds(30),
    logger: Logger
  ) async throws {
    let client = try AdministrationClient(configuration, logger: logger)
    try await DedicatedThread.run("kafka-topics") {
      let deadline = ContinuousClock.now + timeout
      let present = try client.handle.partitions(action: "list topics", timeout: timeout)
      let missing = topics.filter { present[$0.name] == nil }
      let existing = topics.filter { present[$0.name] != nil }
      for topic in existing {
        if let count = present[topic.name], count < partitions {
          logger.warning("topic '\(topic.name)' has \(count) partitions, fewer than the \(partitions) that are configured")
        }
      }
      try client.warnOfDifferences(existing, until: deadline, logger: logger)
      try client.create(missing, partitions: partitions, replication: replication, until: deadline, logger: logger)
      try client.waitForLeaders(missing, until: deadline)
    }
  }
}

extension Topic {
  /// The topic settings that the suite sets on the brokers, and that must not be less.
  public var settings: [(name: String, value: Int)] {
    [("retention.ms", retention * 1000), ("max.message.bytes", maximumMessageBytes)]
  }
}

extension AdministrationClient {
  fileprivate func create(
    _ topics: [Topic], partitions: Int, replication: Int, until deadline: ContinuousClock.Instant, logger: Logger
  ) throws {
    guard !topics.isEmpty else { return }
    var requests: [OpaquePointer?] = []
    defer { rd_kafka_NewTopic_destroy_array(&requests, requests.count) }
    var text = [CChar](repeating: 0, count: 512)
    for topic in topics {
      guard let new = rd_kafka_NewTopic_new(topic.name, Int32(partitions), Int32(replication), &text, text.count) else {
        let reason = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
        throw KafkaError(
          RD_KAFKA_RESP_ERR__INVALID_ARG, action: "create the topic", brokers: handle.brokers, topic: topic.name, reason: reason)
      }
      requests.append(new)
      for (name, value) in topic.settings { rd_kafka_NewTopic_set_config(new, name, String(value)) }
      if let segment = topic.segment { rd_kafka_NewTopic_set_config(new, "segment.ms", String(segment * 1000)) }
    }
    try send(RD_KAFKA_ADMIN_OP_CREATETOPICS, action: "create topics", until: deadline) { options, queue in
      rd_kafka_CreateTopics(handle.pointer, &requests, requests.count, options, queue)
    } response: { event in
      var count = 0
      let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
      for result in UnsafeBufferPointer(start: results, count: count) {
        guard let result else { continue }
        let name = String(cString: rd_kafka_topic_result_name(result))
        switch rd_kafka_topic_result_error(result) {
        case RD_KAFKA_RESP_ERR_NO_ERROR: logger.info("topic '\(name)' created with \(partitions) partitions")
        // Another process of the suite created it first.
        case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: break
        case let code:
          throw KafkaError(
            code, action: "create the topic", brokers: handle.brokers, topic: name,
            reason: rd_kafka_topic_result_error_string(result).map { String(cString: $0) })
        }
      }
    }
  }

  /// Waits until all partitions of the topics have a leader.
  fileprivate func waitForLeaders(_ topics: [Topic], until deadline: ContinuousClock.Instant) throws {
    var waiting = topics[...]
    while let topic = waiting.first {
      let left = deadline - .now
      guard left > .zero else {
        throw KafkaError(
          RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, action: "use the new topic", brokers: handle.brokers, topic: topic.name)
      }
      if try handle.partitions(of: topic.name, action: "use the new topic", timeout: left) != nil {
        waiting = waiting.dropFirst()
      } else {
        rd_kafka_poll(handle.pointer, 50)
      }
    }
  }

  /// Logs topics with a shorter retention or a smaller message limit than configured.
  fileprivate func warnOfDifferences(_ topics: [Topic], until deadline: ContinuousClock.Instant, logger: Logger) throws {
    let settings = try settings(of: topics, until: deadline)
    for topic in topics {
      for (name, required) in topic.settings {
        // -1 means unlimited.
        guard let value = settings[topic.name]?[name].flatMap({ Int($0) }), value >= 0, value < required else { continue }
        logger.warning("topic '\(topic.name)' has \(name)=\(value), less than the configured \(required)")
      }
    }
  }

  /// The settings of existing topics on the brokers, by topic and name.
  func settings(of topics: [Topic], until deadline: ContinuousClock.Instant) throws -> [String: [String: String]] {
    guard !topics.isEmpty else { return [:] }
    var found: [String: [String: String]] = [:]
    var resources: [OpaquePointer?] = topics.map { rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0.name) }
    defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
    try send(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, action: "read the settings of topics", until: deadline) { options, queue in
      rd_kafka_DescribeConfigs(handle.pointer, &resources, resources.count, options, queue)
    } response: { event in
      var count = 0
      let results = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count)
      for result in UnsafeBufferPointer(start: results, count: count) {
        guard let result, let name = rd_kafka_ConfigResource_name(result) else { continue }
        found[String(cString: name)] = settings(of: result)
      }
    }
    return found
  }

  private func settings(of resource: OpaquePointer) -> [String: String] {
    var count = 0
    let entries = rd_kafka_ConfigResource_configs(resource, &count)
    var settings: [String: String] = [:]
    for entry in UnsafeBufferPointer(start: entries, count: count) {
      guard let entry, let value = rd_kafka_ConfigEntry_value(entry) else { continue }
      settings[String(cString: rd_kafka_ConfigEntry_name(entry))] = String(cString: value)
    }
    return settings
  }

  /// Sends an administration request and blocks until the response arrives.
  private func send(
    _ operation: rd_kafka_admin_op_t, action: String, until deadline: ContinuousClock.Instant,
    request: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void, response: (_ event: OpaquePointer) throws -> Void
  ) throws {
    let timeout = Int32(clamping: max((deadline - .now).milliseconds, 1))
    let options = rd_kafka_AdminOptions_new(handle.pointer, operation)
    defer { rd_kafka_AdminOptions_destroy(options) }
    var text = [CChar](repeating: 0, count: 512)
    rd_kafka_AdminOptions_set_request_timeout(options, timeout, &text, text.count)
    let queue = rd_kafka_queue_new(handle.pointer)
    defer { rd_kafka_queue_destroy(queue) }
    request(options, queue)
    // librdkafka responds itself when the request times out.
    guard let event = rd_kafka_queue_poll(queue, timeout.addingReportingOverflow(5000).partialValue) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, action: action, brokers: handle.brokers)
    }
    defer { rd_kafka_event_destroy(event) }
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(
        code, action: action, brokers: handle.brokers, reason: rd_kafka_event_error_string(event).map { String(cString: $0) })
    }
    try response(event)
  }
}
