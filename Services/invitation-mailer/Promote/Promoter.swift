import Kafka
import Metrics
import Models

/// Asks identity-store to promote those who signed in. Nobody waits for a reply: identity-store refuses no promotion.
struct Promoter: Sendable {
  let producer: Producer
  /// Stands as the source of commands: `invitation-mailer/0`.
  let source: String

  private let promotions = Counter(label: "rollcall_mailer_promotions_total")

  init(producer: Producer, source: String) {
    self.producer = producer
    self.source = source
  }

  /// Returns when the broker has the commands.
  func ask(_ commands: [Command]) async throws {
    guard !commands.isEmpty else { return }
    let messages = try commands.map(message)
    try await producer.send(contentsOf: messages)
    promotions.increment(by: messages.count)
  }

  func message(for command: Command) throws -> OutgoingMessage {
    OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.resource.description)
  }
}
