import Kafka
import Models
import ServiceKit
import Tracing

/// A parsed command with the Kafka message that carried it.
struct ReceivedCommand: Sendable {
  let read: ParsedCommand
  /// The source of the command: the process that waits for the reply.
  let source: String
  /// The message of the command, for the dead letters.
  let message: Message
  /// The span of the command; nil if its trace is not sampled. It is the parent of what follows from the command.
  let span: (any Span)?

  init(_ message: Message) throws(MessageError) {
    var event = try message.cloudEvent()
    span = ConsumerSpans.start(for: message, traceparent: event.traceparent, group: "identity-store")
    if let trace = span?.trace { event.traceparent = trace.traceparent }
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
    // Part of the bulk request's.
    span = nil
    let event = try command.cloudEvent(source: bulk.source)
    message = Message(
      topic: bulk.message.topic, partition: bulk.message.partition, offset: bulk.message.offset, timestamp: bulk.message.timestamp,
      key: Array(command.workspace.description.utf8), headers: event.headers, value: event.data)
  }

  /// Ends the span with the reply.
  func endSpan(_ reply: Reply) {
    guard let span else { return }
    let command = read.command
    span.updateAttributes { attributes in
      attributes["rollcall.command"] = command.id.description
      attributes["rollcall.command.type"] = "\(command.operation.type)"
      attributes["rollcall.workspace"] = command.workspace.description
      if case .refused(let status, _) = reply.outcome { attributes["rollcall.command.status"] = status }
    }
    if case .refused(let status, _) = reply.outcome, status >= 500 { span.setStatus(SpanStatus(code: .error)) }
    span.end()
  }

  /// The bulk request; nil for other commands.
  var bulk: Bulk? {
    if case .bulk(let bulk) = read.command.operation { bulk } else { nil }
  }
}
