import Kafka
import Models

/// A command that was read from the topic.
struct ReceivedCommand: Sendable {
  let read: ParsedCommand
  /// The process that sent it.
  let source: String
  /// The message of the command, for the dead letters.
  let message: Message

  init(_ message: Message) throws(MessageError) {
    let event = try message.cloudEvent()
    self.read = ParsedCommand(try Command(event))
    self.source = event.source
    self.message = message
  }

  /// An operation of a bulk as a command of its own, in the form in which it would have been sent alone. Its dead letter has this form, too.
  init(_ operation: Bulk.Operation, _ write: Command.Operation, of bulk: ReceivedCommand) throws {
    var command = bulk.read.command
    command.id = operation.command
    command.resource = operation.resource
    command.expectedVersions = operation.expectedVersions
    command.replyTo = nil
    command.operation = write
    read = ParsedCommand(command)
    source = bulk.source
    let event = try command.cloudEvent(source: bulk.source)
    message = Message(
      topic: bulk.message.topic, partition: bulk.message.partition, offset: bulk.message.offset, timestamp: bulk.message.timestamp,
      key: Array(event.subject.utf8), headers: event.headers, value: event.data)
  }

  /// The bulk request; nil for other commands.
  var bulk: Bulk? {
    if case .bulk(let bulk) = read.command.operation { bulk } else { nil }
  }
}
