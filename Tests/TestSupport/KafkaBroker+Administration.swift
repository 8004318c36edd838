import CKafka
import Foundation
import Kafka
import Models

extension KafkaBroker {
  /// Deletes a topic.
  ///
  /// - Throws: ``KafkaBrokerError``.
  public func delete(_ topic: Topic) async throws {
    try await administer(RD_KAFKA_ADMIN_OP_DELETETOPICS) { client, options, queue in
      var deletion = rd_kafka_DeleteTopic_new(topic.name)
      rd_kafka_DeleteTopics(client, &deletion, 1, options, queue)
      rd_kafka_DeleteTopic_destroy(deletion)
    }
  }

  /// Deletes the messages of a partition before `offset`, as retention does.
  ///
  /// - Throws: ``KafkaBrokerError``.
  public func deleteMessages(of topic: Topic, partition: Int32 = 0, before offset: Int64) async throws {
    try await administer(RD_KAFKA_ADMIN_OP_DELETERECORDS) { client, options, queue in
      let list = rd_kafka_topic_partition_list_new(1)
      rd_kafka_topic_partition_list_add(list, topic.name, partition).pointee.offset = offset
      var deletion = rd_kafka_DeleteRecords_new(list)
      rd_kafka_DeleteRecords(client, &deletion, 1, options, queue)
      rd_kafka_DeleteRecords_destroy(deletion)
      rd_kafka_topic_partition_list_destroy(list)
    }
  }

  private func administer(
    _ operation: rd_kafka_admin_op_t, _ request: @escaping @Sendable (OpaquePointer, OpaquePointer?, OpaquePointer?) -> Void
  ) async throws {
    let bootstrapServers = bootstrapServers
    try await Self.onThread {
      var text = [CChar](repeating: 0, count: 512)
      let configuration = rd_kafka_conf_new()
      rd_kafka_conf_set(configuration, "bootstrap.servers", bootstrapServers, &text, text.count)
      guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, &text, text.count) else {
        throw KafkaBrokerError(reason: "librdkafka made no client")
      }
      defer { rd_kafka_destroy(client) }
      let options = rd_kafka_AdminOptions_new(client, operation)
      defer { rd_kafka_AdminOptions_destroy(options) }
      let queue = rd_kafka_queue_new(client)
      defer { rd_kafka_queue_destroy(queue) }
      request(client, options, queue)
      guard let event = rd_kafka_queue_poll(queue, 60_000) else { throw KafkaBrokerError(reason: "the broker did not answer in time") }
      defer { rd_kafka_event_destroy(event) }
      let code = rd_kafka_event_error(event)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaBrokerError(reason: String(cString: rd_kafka_err2str(code))) }
    }
  }

  private static func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
  }
}
