import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Kafka
import Models

/// `POST /api/v2/mail-events`: accepts delivery, bounce and complaint reports of invitation mails.
package struct MailEventController: Sendable {
  private let bodies: BodyReader
  private let producer: any MessageProducer
  private let source: String
  private let timeout: Duration

  /// - Parameters:
  ///   - source: the CloudEvents `source` of the messages: this process.
  ///   - timeout: the maximum time until Kafka acknowledges a message.
  package init(bodies: BodyReader, producer: any MessageProducer, source: String, timeout: Duration) {
    self.bodies = bodies
    self.producer = producer
    self.source = source
    self.timeout = timeout
  }

  /// Adds the route to `group`, whose callers have the scope `admin`.
  package func addRoutes(to group: RouterGroup<CallerContext>) {
    group.on(RouterPath(ResourcePath.mailEvents), method: .post, use: accept)
  }

  @Sendable private func accept(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, info: context.info, maximum: BodyReader.maximumEvent)
    let event = try MailEvent(body, in: context.caller.workspace, at: Date())
    try await send(event, by: context.caller.actor, traceparent: context.info.traceparent)
    share.release()
    return Response(status: .accepted)
  }

  /// Produces a report to `mail.events` and returns when Kafka has acknowledged it.
  ///
  /// The sender is recorded through `identity.commands` first, so no report takes effect that is not in the audit trail.
  ///
  /// - Throws: 503 if Kafka does not acknowledge it in time. The report may still arrive; processing a report twice is harmless.
  private func send(_ report: MailEvent, by actor: Command.Actor, traceparent: String?) async throws {
    let now = Date()
    let command = Command(
      id: .made(at: now), workspace: report.workspace, resource: report.workspace.resource, actor: actor, issuedAt: now,
      traceparent: traceparent, operation: .reportMail(report))
    let audit = OutgoingMessage(
      try command.cloudEvent(source: source), topic: .identityCommands, key: command.workspace.description)
    try await producer.send(audit, within: timeout, else: .mailEventNotSent())
    let event = try report.cloudEvent(
      id: "\(Identifier<MailEvent>.made(at: now))", source: source, time: now, traceparent: traceparent)
    try await producer.send(
      OutgoingMessage(event, topic: .mailEvents, key: report.workspace.description), within: timeout, else: .mailEventNotSent())
  }
}

extension APIError {
  fileprivate static func mailEventNotSent() -> APIError {
    APIError(
      503, "The report could not be stored in time. Send it again in \(retrySeconds) s; sending a report twice is harmless.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
