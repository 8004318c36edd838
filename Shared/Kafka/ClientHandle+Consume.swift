import CKafka
import Foundation

/// The result of polling a consumer once.
enum Polled {
  case nothing
  case message(Message)
  /// An error that does not end the consumer, with its reason and the partition that it concerns.
  case notice(rd_kafka_resp_err_t, String, TopicPartition?)
}

extension ClientHandle {
  /// Polls for a message and runs the callbacks. Waits at most `timeout` milliseconds.
  func poll(timeout: Int32) -> Polled {
    guard let polled = rd_kafka_consumer_poll(pointer, timeout) else { return .nothing }
    defer { rd_kafka_message_destroy(polled) }
    guard polled.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
      let partition = polled.pointee.rkt.map {
        TopicPartition(topic: String(cString: rd_kafka_topic_name($0)), partition: polled.pointee.partition)
      }
      return .notice(polled.pointee.err, String(cString: rd_kafka_message_errstr(polled)), partition)
    }
    return .message(Message(copying: polled))
  }

  /// Ends the current ``poll(timeout:)``, or the next one, from another thread.
  func interruptPoll() {
    guard let queue = rd_kafka_queue_get_consumer(pointer) else { return }
    rd_kafka_queue_yield(queue)
    rd_kafka_queue_destroy(queue)
  }

  /// Calls `body` with a librdkafka list of the partitions.
  func withList<Result>(
    _ partitions: some Collection<(TopicPartition, offset: Int64)>,
    _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws -> Result
  ) rethrows -> Result? {
    guard let list = rd_kafka_topic_partition_list_new(Int32(partitions.count)) else { return nil }
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for (partition, offset) in partitions {
      rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition)?.pointee.offset = offset
    }
    return try body(list)
  }
}

extension Message {
  /// Copies a librdkafka message.
  fileprivate init(copying message: UnsafeMutablePointer<rd_kafka_message_t>) {
    var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let milliseconds = rd_kafka_message_timestamp(message, &kind)
    let headers = Self.headers(of: message)
    let message = message.pointee
    self.init(
      topic: message.rkt.map { String(cString: rd_kafka_topic_name($0)) } ?? "", partition: message.partition, offset: message.offset,
      timestamp: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? nil : Date(timeIntervalSince1970: Double(milliseconds) / 1000),
      key: message.key.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: message.key_len)) },
      headers: headers, value: [UInt8](UnsafeRawBufferPointer(start: message.payload, count: message.payload == nil ? 0 : message.len)))
  }

  /// The headers of a librdkafka message.
  fileprivate static func headers(of message: UnsafePointer<rd_kafka_message_t>) -> [(name: String, value: String)] {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
    let count = rd_kafka_header_cnt(list)
    var headers: [(name: String, value: String)] = []
    headers.reserveCapacity(count)
    var (name, value, size): (UnsafePointer<CChar>?, UnsafeRawPointer?, Int) = (nil, nil, 0)
    for index in 0..<count where rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
      guard let name else { continue }
      headers.append(
        (String(cString: name), String(decoding: UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size), as: UTF8.self)))
    }
    return headers
  }
}

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
  /// The list's entries: partition, offset and the error that librdkafka set for it.
  var entries: [(partition: TopicPartition, offset: Int64, error: rd_kafka_resp_err_t)] {
    UnsafeBufferPointer(start: pointee.elems, count: Int(pointee.cnt)).map { entry in
      (TopicPartition(topic: String(cString: entry.topic), partition: entry.partition), entry.offset, entry.err)
    }
  }
}
