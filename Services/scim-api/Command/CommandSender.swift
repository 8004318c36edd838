import Foundation
import Kafka
import Logging
import Models

/// Sends commands to identity-store through Kafka.
struct CommandSender: Sendable {
  let requests: RequestReply
  /// This process, as its messages name it.
  let source: String
  let logger: Logger

  /// Sends `command` and waits for its reply until `end`; while Kafka is away the command waits, too.
  ///
  /// - Returns: nil where no reply came; it is `end` by then, or the reply is recorded.
  /// - Throws: a ``APIError`` where the command certainly was not sent; `CancellationError`.
  func ask(_ command: Command, until end: Date) async throws -> Reply? {
    let address = try await address(until: command.deadline ?? end)
    var command = command
    command.replyTo = address
    let message = try await message(with: command)
    do {
      let event = try await requests.request(message, correlationID: address.correlationID, deadline: end)
      // A reply that is too large for its topic is read from the record, where it is by now.
      guard let event, event.type != Reply.recordedType else { return nil }
      return try Reply(event)
    } catch let error as KafkaError {
      switch error.code {
      case .tooManyPending, .notReady: throw APIError.overloaded()
      case .messageTooLarge: throw APIError.commandTooLarge()
      case _ where error.isNotPersisted:
        logger.error("a command cannot be sent; it is refused", metadata: ["command": "\(command.id)", "error": "\(error)"])
        throw APIError.commandNotSent()
      default: logger.warning("no reply", metadata: ["command": "\(command.id)", "error": "\(error)"])
      }
    } catch let error as MessageError {
      logger.error("the reply cannot be read; its record is asked for", metadata: ["command": "\(command.id)", "error": "\(error)"])
    }
    // The command may have been sent all the same: what became of it is certain only at the end of its time.
    try await Task.sleep(for: .seconds(max(0, end.timeIntervalSinceNow)))
    return nil
  }

  private func message(with command: Command) async throws -> OutgoingMessage {
    let source = source
    let event: CloudEvent
    switch command.operation {
    case .bulk: event = try await BlockingWork.run { [command] in try command.cloudEvent(source: source) }
    default: event = try command.cloudEvent(source: source)
    }
    return OutgoingMessage(event, topic: .identityCommands, key: command.resource.description)
  }

  /// Where the reply goes. The partition for replies is known a moment after the start of the process.
  private func address(until deadline: Date) async throws -> ReplyAddress {
    while !requests.isReady {
      // Nobody would hear the reply, and the topic may be missing for long.
      guard !requests.hasLostReplyTopic else { throw APIError.commandNotSent() }
      guard Date() < deadline else { throw APIError.overloaded() }
      try await Task.sleep(for: .milliseconds(20))
    }
    return try requests.address()
  }
}
