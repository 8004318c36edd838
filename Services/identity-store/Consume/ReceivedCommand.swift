import Kafka
import Models

/// A parsed command with the Kafka message that carried it.
struct ReceivedCommand: Sendable {
  let read: ParsedCommand
  /// The source of the command: the process that waits for the reply.
  let source: String
  /// The message of the command, for the dead letters.
  let message: Message

  init(_ message: Message) throws(MessageError) {
    let event = try message.cloudEvent()
    var read = ParsedCommand(try Command(event))
    read.partition = message.partition
    self.read = read
    self.source = event.source
    self.message = message
  }

  /// Creates the command of one operation of a bulk request, as if it had been sent alone. A dead letter of the operation has this form,
  /// too.
  init(_ operation: Bulk.Operation, _ write: Command.Operation, of bulk: ReceivedCommand) throws {
    var command = bulk.read.command
    command.id = operation.command
    command.resource = operation.resource
    command.expectedVersions = operation.expectedVersions
    command.replyTo = nil
    command.operation = write
    var read = ParsedCommand(command)
    read.partition = bulk.message.partition
    self.read = read
    source = bulk.source
    let event = try command.cloudEvent(source: bulk.source)
    message = Message(
      topic: bulk.message.topic, partition: bulk.message.partition, offset: bulk.message.offset, timestamp: bulk.message.timestamp,
      key: Array(command.workspace.description.utf8), headers: event.headers, value: event.data)
  }

  /// The bulk request; nil for other commands.
  var bulk: Bulk? {
    if case .bulk(let bulk) = read.command.operation { bulk } else { nil }
  }
}
