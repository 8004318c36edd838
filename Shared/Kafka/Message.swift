import Foundation
import Models

/// A partition of a topic.
public struct TopicPartition: Sendable, Hashable, CustomStringConvertible {
  public var topic: String
  public var partition: Int32

  public init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public var description: String { "\(topic)[\(partition)]" }
}

/// A message as it was read from a topic.
public struct Message: Sendable {
  public var topic: String
  public var partition: Int32
  public var offset: Int64
  /// When it was produced, or appended, by the clock of whoever did; nil for a topic without timestamps.
  public var timestamp: Date?
  public var key: [UInt8]?
  /// In the order they were written; a name may occur more than once. Values are read as UTF-8.
  public var headers: [(name: String, value: String)]
  public var value: [UInt8]

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

  /// The value of the first header of this name.
  public func header(_ name: String) -> String? {
    headers.first { $0.name == name }?.value
  }

  /// The CloudEvent that the message carries in Kafka's binary content mode.
  ///
  /// - Throws: ``MessageError`` where a required attribute is missing or malformed.
  public func cloudEvent() throws(MessageError) -> CloudEvent {
    try CloudEvent(headers: headers, data: value)
  }
}

/// A message to be produced.
public struct OutgoingMessage: Sendable {
  public var topic: String
  /// nil: chosen by the key, with the same hash as Java clients use.
  public var partition: Int32?
  public var key: [UInt8]?
  public var headers: [(name: String, value: String)]
  public var value: [UInt8]

  public init(
    topic: String, partition: Int32? = nil, key: [UInt8]?, headers: [(name: String, value: String)] = [], value: [UInt8]
  ) {
    self.topic = topic
    self.partition = partition
    self.key = key
    self.headers = headers
    self.value = value
  }

  /// An event in Kafka's binary content mode.
  public init(_ event: CloudEvent, topic: Topic, key: String, partition: Int32? = nil) {
    self.init(topic: topic.name, partition: partition, key: Array(key.utf8), headers: event.headers, value: event.data)
  }

  /// About what it takes in memory while it waits to be acknowledged.
  package var size: Int {
    (key?.count ?? 0) + value.count + headers.reduce(64) { $0 + $1.name.utf8.count + $1.value.utf8.count }
  }
}
