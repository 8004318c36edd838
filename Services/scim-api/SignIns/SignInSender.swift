import Foundation
import Kafka
import Models

/// Produces sign-ins to `sign-in.events`.
struct SignInSender: Sendable {
  let producer: Producer
  /// This process, as its messages name it.
  let source: String
  /// How long Kafka is waited for.
  let patience: Duration

  /// Returns when Kafka has the sign-in.
  ///
  /// - Throws: 503 where it does not have it in time; it may arrive all the same, and twice is as good as once.
  func send(_ signIn: SignIn, traceparent: String?) async throws {
    let now = Date()
    let event = try signIn.cloudEvent(
      id: "\(Identifier<SignIn>.made(at: now))", source: source, time: now, traceparent: traceparent)
    let message = OutgoingMessage(event, topic: .signInEvents, key: signIn.key)
    try await producer.send(message, within: patience, else: .signInNotTaken())
  }
}

extension APIError {
  static func signInNotTaken() -> APIError {
    APIError(
      503, "The sign-in could not be taken in time. Send it again in \(retrySeconds) s; one that arrives twice does no harm.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
