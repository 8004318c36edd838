import Kafka
import Metrics
import Models
import Outbox

/// Sends promotions of people who signed in to identity-store. It does not wait for replies, since identity-store rejects no promotion.
struct Promoter: BatchOperation {
  let producer: Producer
  /// The source of the commands: `invitation-mailer/0`.
  let source: String

  private let promotions = Counter(label: "rollcall_mailer_promotions_total")

  init(producer: Producer, source: String) {
    self.producer = producer
    self.source = source
  }

  var description: String { "sending promotions" }

  /// Returns when the broker has acknowledged the commands.
  func process(_ commands: [Command]) async throws -> [Void] {
    try await producer.send(contentsOf: try commands.map(outgoingMessage))
    promotions.increment(by: commands.count)
    return commands.map { _ in }
  }

  /// A command that the broker rejects, in the form in which it would be read from its topic.
  func message(of command: Command) throws -> Message {
    let message = try outgoingMessage(command)
    return Message(
      topic: message.topic, partition: -1, offset: -1, timestamp: nil, key: message.key, headers: message.headers, value: message.value)
  }

  private func outgoingMessage(_ command: Command) throws -> OutgoingMessage {
    OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description)
  }
}
