import Kafka
import Models

/// A command as it came from the topic.
struct ReceivedCommand: Sendable {
  let read: ReadCommand
  /// The process that asked.
  let source: String
  /// For the dead-letter topic, should it come to that.
  let message: Message

  init(_ message: Message) throws(MessageError) {
    let event = try message.cloudEvent()
    self.read = ReadCommand(try Command(event))
    self.source = event.source
    self.message = message
  }
}
