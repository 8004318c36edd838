import Foundation
import Models

/// A partition of a topic.
public struct TopicPartition: Sendable, Hashable, CustomStringConvertible {
  /// The name of the topic.
  public var topic: String
  /// The number of the partition, from 0.
  public var partition: Int32

  /// Identifies the partition with this number.
  public init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  /// `topic[partition]`.
  public var description: String { "\(topic)[\(partition)]" }
}

/// A message that was read from a topic.
public struct Message: Sendable {
  /// The name of the topic.
  public var topic: String
  /// The number of the partition; -1 if the message never was on a topic.
  public var partition: Int32
  /// The offset on the partition; -1 if the message never was on a topic.
  public var offset: Int64
  /// When it was produced or appended, depending on the configuration of the topic; nil for a topic without timestamps.
  public var timestamp: Date?
  /// The key; nil for a message without one.
  public var key: [UInt8]?
  /// The headers in their order; a name may occur more than once. Values are decoded as UTF-8.
  public var headers: [(name: String, value: String)]
  /// The payload.
  public var value: [UInt8]

  /// Creates a message as it would be read from a topic.
  public init(
    topic: String, partition: Int32, offset: Int64, timestamp: Date?, key: [UInt8]?, headers: [(name: String, value: String)],
    value: [UInt8]
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.headers = headers
    self.value = value
  }

  /// The value of the first header with this name.
  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  /// The CloudEvent in the message, which has Kafka's binary content mode.
  ///
  /// - Throws: `MessageError` if a required attribute is missing or malformed.
  public func cloudEvent() throws(MessageError) -> CloudEvent {
    try CloudEvent(headers: headers, data: value)
  }
}

/// A message to be produced.
public struct OutgoingMessage: Sendable {
  /// The name of the topic.
  public var topic: String
  /// The number of the partition; nil to select it by the key, with the same hash as Java clients.
  public var partition: Int32?
  /// The key; nil for a message without one.
  public var key: [UInt8]?
  /// The headers in their order.
  public var headers: [(name: String, value: String)]
  /// The payload.
  public var value: [UInt8]

  /// Creates a message to be produced.
  public init(
    topic: String, partition: Int32? = nil, key: [UInt8]?, headers: [(name: String, value: String)] = [], value: [UInt8]
  ) {
    self.topic = topic
    self.partition = partition
    self.key = key
    self.headers = headers
    self.value = value
  }

  /// Creates a message with a CloudEvent in Kafka's binary content mode.
  public init(_ event: CloudEvent, topic: Topic, key: String, partition: Int32? = nil) {
    self.init(topic: topic.name, partition: partition, key: Array(key.utf8), headers: event.headers, value: event.data)
  }

  /// The approximate memory, in bytes, that the message takes until it is acknowledged.
  package var size: Int {
    (key?.count ?? 0) + value.count + headers.reduce(64) { $0 + $1.name.utf8.count + $1.value.utf8.count }
  }
}
