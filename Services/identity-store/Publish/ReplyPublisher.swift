import Foundation
import Kafka
import Logging
import Models

/// Sends replies to the processes that wait for them, after the commit.
struct ReplyPublisher: Sendable {
  let producer: Producer
  let source: String
  let logger: Logger

  /// Sends the replies that somebody waits for. A reply that cannot be sent is not lost: it is recorded, and scim-api reads the record.
  func publish(_ answered: some Sequence<(ReceivedCommand, Reply)>) async {
    let awaited = answered.filter { received, _ in received.read.command.replyTo != nil }
    let messages = awaited.compactMap { message(for: $0, Reply.cloudEvent, $1) }
    guard !messages.isEmpty else { return }
    do {
      try await producer.send(contentsOf: messages)
    } catch let error as KafkaError where error.isAboutMessage {
      // Replies that are too large are only recorded; a short message tells the caller to read the record.
      let refused = error.failedIndices.map { awaited[$0] }
      logger.warning(
        "replies are too large for their topic; they are read from the record",
        metadata: ["error": "\(error)", "replies": "\(refused.count)"])
      do {
        try await producer.send(contentsOf: refused.compactMap { message(for: $0, Reply.recordedEvent, $1) })
      } catch {
        logger.warning("replies not sent; they are recorded", metadata: ["error": "\(error)", "replies": "\(refused.count)"])
      }
    } catch {
      logger.warning("replies not sent; they are recorded", metadata: ["error": "\(error)", "replies": "\(messages.count)"])
    }
  }

  /// `nil` if nobody waits for the reply.
  private func message(
    for received: ReceivedCommand, _ event: (Reply) -> (String, String, Date, String?) -> CloudEvent, _ reply: Reply
  ) -> OutgoingMessage? {
    guard let address = received.read.command.replyTo else { return nil }
    return OutgoingMessage(
      event(reply)(source, address.correlationID, .now, received.read.command.traceparent), topic: .identityReplies, key: received.source,
      partition: address.partition)
  }
}
