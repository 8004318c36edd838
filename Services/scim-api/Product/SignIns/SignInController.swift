import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Kafka
import Models

/// `POST /api/v2/sign-ins`: accepts reports that a person signed in to the product.
package struct SignInController: Sendable {
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

  /// Adds the route to `group`, whose callers have the scope `sign-ins`.
  package func addRoutes(to group: RouterGroup<CallerContext>) {
    group.on(RouterPath(ResourcePath.signIns), method: .post, use: accept)
  }

  @Sendable private func accept(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let body = try await bodies.json(in: request, share: &share, info: context.info, maximum: BodyReader.maximumEvent)
    let signIn = try SignIn(body, in: context.caller.workspace, at: Date())
    try await send(signIn, traceparent: context.info.traceparent)
    share.release()
    return Response(status: .accepted)
  }

  /// Produces a sign-in to `sign-in.events` and returns when Kafka has acknowledged it.
  ///
  /// - Throws: 503 if Kafka does not acknowledge it in time. The sign-in may still arrive; processing it twice is harmless.
  func send(_ signIn: SignIn, traceparent: String?) async throws {
    let now = Date()
    let event = try signIn.cloudEvent(
      id: "\(Identifier<SignIn>.made(at: now))", source: source, time: now, traceparent: traceparent)
    try await producer.send(
      OutgoingMessage(event, topic: .signInEvents, key: signIn.workspace.description), within: timeout, else: .signInNotSent())
  }
}

extension APIError {
  fileprivate static func signInNotSent() -> APIError {
    APIError(
      503, "The sign-in could not be stored in time. Send it again in \(retrySeconds) s; sending a sign-in twice is harmless.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
