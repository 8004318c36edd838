import CKafka
import Kafka
import Synchronization

/// librdkafka's mock cluster: an in-process Kafka cluster that can fail requests.
///
/// `@unchecked Sendable`: librdkafka locks its mock cluster, and the pointers are freed in `deinit`.
public final class MockCluster: @unchecked Sendable {
  /// Kafka requests by their API key.
  public enum Request: Int16, Sendable {
    /// Produce: messages of a producer.
    case produce = 0
    /// Fetch: a consumer's poll.
    case fetch = 1
    /// OffsetCommit: the offsets of a consumer group.
    case offsetCommit = 8
    /// Heartbeat: the liveness of a group member.
    case heartbeat = 12
    /// InitProducerId: the start of an idempotent producer.
    case initProducerID = 22
  }

  private let client: OpaquePointer
  private let cluster: OpaquePointer

  /// Starts a cluster.
  ///
  /// - Throws: ``KafkaBrokerError``.
  public init(brokers: Int = 1) throws {
    var text = [CChar](repeating: 0, count: 512)
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), &text, text.count),
      let cluster = rd_kafka_mock_cluster_new(client, Int32(brokers))
    else { throw KafkaBrokerError(reason: "librdkafka made no mock cluster") }
    self.client = client
    self.cluster = cluster
  }

  deinit {
    rd_kafka_mock_cluster_destroy(cluster)
    rd_kafka_destroy(client)
  }

  /// The configuration of a client of the cluster.
  public func configuration(clientID: String = "test", properties: [String: String] = [:]) -> KafkaConfiguration {
    KafkaConfiguration(
      bootstrapServers: String(cString: rd_kafka_mock_cluster_bootstraps(cluster)), clientID: clientID, properties: properties)
  }

  /// Creates a topic.
  public func create(topic: String, partitions: Int) {
    rd_kafka_mock_topic_create(cluster, topic, Int32(partitions), 1)
  }

  /// Makes the next requests of a kind fail, one with each of `errors`.
  public func fail(_ request: Request, with errors: [rd_kafka_resp_err_t]) {
    rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, errors.count, errors)
  }

  /// Makes the broker reject the next messages as too large.
  public func rejectNextMessages() {
    fail(.produce, with: [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE])
  }

  /// Breaks all connections and refuses new ones, for good: another process may take the port.
  public func shutDown() {
    rd_kafka_mock_broker_set_down(cluster, -1)
  }

  /// The values on partition 0 of a topic, as text. It reads without a consumer group, since the mock's coordinator is unreliable.
  ///
  /// - Throws: ``KafkaBrokerError``.
  public func texts(on topic: String) throws -> [String] {
    let configuration = rd_kafka_conf_new()
    var text = [CChar](repeating: 0, count: 512)
    let settings = [
      "bootstrap.servers": String(cString: rd_kafka_mock_cluster_bootstraps(cluster)), "group.id": "reader", "enable.partition.eof": "true",
      "enable.auto.commit": "false", "fetch.wait.max.ms": "50",
    ]
    for (name, value) in settings { rd_kafka_conf_set(configuration, name, value, &text, text.count) }
    guard let reader = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, &text, text.count) else {
      throw KafkaBrokerError(reason: "librdkafka made no consumer")
    }
    defer { rd_kafka_destroy(reader) }
    let partitions = rd_kafka_topic_partition_list_new(1)
    defer { rd_kafka_topic_partition_list_destroy(partitions) }
    rd_kafka_topic_partition_list_add(partitions, topic, 0).pointee.offset = 0
    rd_kafka_assign(reader, partitions)
    var texts: [String] = []
    while let message = rd_kafka_consumer_poll(reader, 30_000) {
      defer { rd_kafka_message_destroy(message) }
      switch message.pointee.err {
      case RD_KAFKA_RESP_ERR_NO_ERROR:
        texts.append(
          String(decoding: UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len), as: UTF8.self))
      case RD_KAFKA_RESP_ERR__PARTITION_EOF: return texts
      case let code: throw KafkaBrokerError(reason: String(cString: rd_kafka_err2str(code)))
      }
    }
    throw KafkaBrokerError(reason: "the mock cluster did not answer in time")
  }
}
