import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Kafka
import Models

/// `POST /api/v2/sign-ins`: the product reports that a person signed in.
package struct SignInController: Sendable {
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

  /// Adds the route to `group`, whose callers have the scope `sign-ins`.
  package func addRoutes(to group: RouterGroup<CallerContext>) {
    group.on(RouterPath(ResourcePath.signIns), method: .post, use: accept)
  }

  @Sendable private func accept(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, info: context.info, maximum: BodyReader.maximumEvent)
    let signIn = try SignIn(body, in: context.caller.workspace, at: Date())
    try await send(signIn, traceparent: context.info.fields.traceparent)
    share.release()
    return Response(status: .accepted)
  }

  /// Produces a sign-in to `sign-in.events`; returns when Kafka has it.
  ///
  /// - Throws: 503 if Kafka does not have it in time. It may arrive all the same, and arriving twice does no harm.
  func send(_ signIn: SignIn, traceparent: String?) async throws {
    let now = Date()
    let event = try signIn.cloudEvent(
      id: "\(Identifier<SignIn>.made(at: now))", source: source, time: now, traceparent: traceparent)
    try await producer.send(OutgoingMessage(event, topic: .signInEvents, key: signIn.key), within: timeout, else: .signInNotTaken())
  }
}

extension APIError {
  fileprivate static func signInNotTaken() -> APIError {
    APIError(
      503, "The sign-in could not be taken in time. Send it again in \(retrySeconds) s; one that arrives twice does no harm.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
