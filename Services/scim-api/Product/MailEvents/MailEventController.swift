import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Kafka
import Models

/// `POST /api/v2/mail-events`: the mail system reports the delivery, bounce or complaint of an invitation.
package struct MailEventController: Sendable {
  private let bodies: BodyReader
  private let producer: any MessageProducer
  private let source: String
  private let timeout: Duration

  /// - Parameters:
  ///   - source: this process, as the `source` of its messages.
  ///   - timeout: how long Kafka may take for a message.
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
    try await send(event, by: context.caller.actor, traceparent: context.info.fields.traceparent)
    share.release()
    return Response(status: .accepted)
  }

  /// Produces a report to `mail.events`; returns when Kafka has it. Its sender goes to `identity.commands` first, for the audit trail: no
  /// report takes effect that the audit trail does not have.
  ///
  /// - Throws: 503 if Kafka does not have it in time. It may arrive all the same, and arriving twice does no harm.
  private func send(_ report: MailEvent, by actor: Command.Actor, traceparent: String?) async throws {
    let now = Date()
    let command = Command(
      id: .made(at: now), workspace: report.workspace, resource: report.workspace.resource, actor: actor, issuedAt: now,
      traceparent: traceparent, operation: .reportMail(report))
    let audit = OutgoingMessage(
      try command.cloudEvent(source: source), topic: .identityCommands, key: command.resource.description)
    try await producer.send(audit, within: timeout, else: .mailEventNotTaken())
    let event = try report.cloudEvent(
      id: "\(Identifier<MailEvent>.made(at: now))", source: source, time: now, traceparent: traceparent)
    try await producer.send(OutgoingMessage(event, topic: .mailEvents, key: report.key), within: timeout, else: .mailEventNotTaken())
  }
}

extension APIError {
  fileprivate static func mailEventNotTaken() -> APIError {
    APIError(
      503, "The report could not be taken in time. Send it again in \(retrySeconds) s; one that arrives twice does no harm.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
