import Crypto
import Foundation
import Kafka
import Models

/// Sends the commands of group-sync about webhook endpoints to identity-store.
struct WebhookCommands: Sendable {
  let producer: Producer
  /// The source of the commands: `group-sync/0`.
  let source: String

  /// Disables an endpoint, unless it was changed in the meantime. Returns when the brokers have the command.
  ///
  /// - Throws: `KafkaError`; `CancellationError`.
  func disable(_ endpoint: WebhookEndpoint, reason: String) async throws {
    let command = Self.disablement(of: endpoint, reason: reason, at: .now)
    try await producer.send(
      OutgoingMessage(try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description))
  }

  /// The command that disables a version of an endpoint: always the same, so that several processes disable it once.
  static func disablement(of endpoint: WebhookEndpoint, reason: String, at now: Date) -> Command {
    let digest = SHA256.hash(data: Data("disable-webhook/\(endpoint.id)/\(endpoint.version)".utf8))
    let reason = reason.truncated(to: 500, bytes: WebhookEndpoint.maximumReasonSize)
    return Command(
      id: CommandID(bytes: digest), workspace: endpoint.workspace, resource: endpoint.workspace.resource, actor: .service("group-sync"),
      issuedAt: now, expectedVersions: [endpoint.version], operation: .disableWebhook(endpoint.id, reason: reason))
  }
}
