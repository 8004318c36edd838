import Foundation
import Kafka
import Logging
import Models

/// Sends replies to the scim-api processes that wait for them, after the commit.
struct ReplyPublisher: Sendable {
  let producer: Producer
  let source: String
  let logger: Logger

  /// Sends the replies to commands that have a reply address. A reply that cannot be sent is not lost: scim-api reads it from the database.
  func publish(_ answered: some Sequence<(ReceivedCommand, Reply)>) async {
    let awaited = answered.filter { received, _ in received.read.command.replyTo != nil }
    // A redelivered command whose resource was deleted since has no document to send; scim-api reads what is recorded.
    let messages = awaited.compactMap { received, reply in
      message(for: received, reply.resourceWithoutDocument == nil ? Reply.cloudEvent : Reply.recordedEvent, reply)
    }
    guard !messages.isEmpty else { return }
    do {
      try await producer.send(contentsOf: messages)
    } catch let error as KafkaError where error.isAboutMessage {
      // A notice replaces each reply that is too large; scim-api then reads the recorded reply.
      let oversized = error.failedIndices.map { awaited[$0] }
      logger.warning(
        "replies are too large for their topic; scim-api reads the recorded replies",
        metadata: ["error": "\(error)", "replies": "\(oversized.count)"])
      do {
        try await producer.send(contentsOf: oversized.compactMap { message(for: $0, Reply.recordedEvent, $1) })
      } catch {
        logger.warning("replies not sent; they are recorded", metadata: ["error": "\(error)", "replies": "\(oversized.count)"])
      }
    } catch {
      logger.warning("replies not sent; they are recorded", metadata: ["error": "\(error)", "replies": "\(messages.count)"])
    }
  }

  /// The message of a reply; `nil` if the command has no reply address.
  private func message(
    for received: ReceivedCommand, _ event: (Reply) -> (String, String, Date, String?) -> CloudEvent, _ reply: Reply
  ) -> OutgoingMessage? {
    guard let address = received.read.command.replyTo else { return nil }
    return OutgoingMessage(
      event(reply)(source, address.correlationID, .now, received.read.command.traceparent), topic: .identityReplies, key: received.source,
      partition: address.partition)
  }
}
