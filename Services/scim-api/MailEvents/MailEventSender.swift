import Foundation
import Kafka
import Models

/// Produces reports of mails to `mail.events`, and to `identity.commands` who sent them, for the audit trail.
struct MailEventSender: Sendable {
  let producer: Producer
  /// This process, as its messages name it.
  let source: String
  /// How long Kafka is waited for.
  let patience: Duration

  /// Returns when Kafka has the report. The audit trail comes first: no report takes effect that it has not.
  ///
  /// - Throws: 503 where it does not have it in time; it may arrive all the same, and twice is as good as once.
  func send(_ report: MailEvent, by actor: Command.Actor, traceparent: String?) async throws {
    let now = Date()
    let command = Command(
      id: .made(at: now), workspace: report.workspace, resource: report.workspace.resource, actor: actor, issuedAt: now,
      traceparent: traceparent, operation: .reportMail(report))
    let audit = OutgoingMessage(
      try command.cloudEvent(source: source), topic: .identityCommands, key: command.resource.description)
    try await producer.send(audit, within: patience, else: .mailEventNotTaken())
    let event = try report.cloudEvent(
      id: "\(Identifier<MailEvent>.made(at: now))", source: source, time: now, traceparent: traceparent)
    let message = OutgoingMessage(event, topic: .mailEvents, key: report.key)
    try await producer.send(message, within: patience, else: .mailEventNotTaken())
  }
}

extension APIError {
  static func mailEventNotTaken() -> APIError {
    APIError(
      503, "The report could not be taken in time. Send it again in \(retrySeconds) s; one that arrives twice does no harm.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
