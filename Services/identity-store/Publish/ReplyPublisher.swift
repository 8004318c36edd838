import Foundation
import Kafka
import Logging
import Models

/// Sends replies to those who wait for them, after the commit.
struct ReplyPublisher: Sendable {
  let producer: Producer
  let source: String
  let logger: Logger

  /// Sends what is awaited. A reply that cannot be sent is not lost: it is recorded, and the edge looks it up.
  func publish(_ answered: some Sequence<(ReceivedCommand, Reply)>) async {
    let messages = answered.compactMap { received, reply -> OutgoingMessage? in
      guard let address = received.read.command.replyTo else { return nil }
      let event = reply.cloudEvent(
        source: source, correlationID: address.correlationID, time: .now, traceparent: received.read.command.traceparent)
      return OutgoingMessage(event, topic: .identityReplies, key: received.source, partition: address.partition)
    }
    guard !messages.isEmpty else { return }
    do {
      try await producer.send(contentsOf: messages)
    } catch {
      logger.warning("replies not sent; they are recorded", metadata: ["error": "\(error)", "replies": "\(messages.count)"])
    }
  }
}
