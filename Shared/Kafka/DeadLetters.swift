import Foundation
import Models

/// Where a consumer puts the messages that it cannot handle: the topic `<consumer>.dead-letters`.
public struct DeadLetters: Sendable {
  /// To be created like any other topic; see ``TopicAdministration``.
  public let topic: Topic
  private let producer: Producer

  /// The headers that are added to a dead letter.
  public enum Header {
    /// Why it could not be handled.
    public static let error = "dead-letter-error"
    /// How often it was tried.
    public static let attempts = "dead-letter-attempts"
    public static let originTopic = "dead-letter-origin-topic"
    public static let originPartition = "dead-letter-origin-partition"
    public static let originOffset = "dead-letter-origin-offset"
    /// When it was given up, RFC 3339.
    public static let time = "dead-letter-time"

    static let all: Set<String> = [error, attempts, originTopic, originPartition, originOffset, time]
  }

  public init(consumer: String, producer: Producer) {
    topic = .deadLetters(of: consumer)
    self.producer = producer
  }

  /// Puts the message aside, its key, value and headers unchanged, with headers that say what happened to it. A message that is a
  /// dead letter again gets new ones.
  ///
  /// - Throws: ``KafkaError``. Until this returns, the message's offset must not be committed.
  public func send(_ message: Message, error: String, attempts: Int) async throws {
    let told = [
      (name: Header.error, value: String(error.prefix(4096))), (Header.attempts, String(attempts)),
      (Header.originTopic, message.topic), (Header.originPartition, String(message.partition)),
      (Header.originOffset, String(message.offset)), (Header.time, Timestamp.text(Date())),
    ]
    try await producer.send(
      OutgoingMessage(
        topic: topic.name, key: message.key, headers: message.headers.filter { !Header.all.contains($0.name) } + told,
        value: message.value))
  }
}
