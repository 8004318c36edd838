import EdgeHTTP
import EdgeReads
import Foundation
import HTTPTypes
import Hummingbird
import Kafka
import Models
import NIOCore

/// `POST /api/v2/sign-ins`: accepts reports that people signed in to the product.
///
/// Without a preference the reports are produced to `sign-in.events`, and the response is 202. With `Prefer: wait=…` (RFC 7240) identity-store
/// decides each at once, and the response has the outcomes.
package struct SignInController: Sendable {
  private let bodies: BodyReader
  private let producer: any MessageProducer
  private let decisions: SignInDecisions
  private let inFlight: ConcurrencyLimit
  private let workspaces: NamedWorkspaceCache
  private let source: String
  private let timeout: Duration

  /// - Parameters:
  ///   - inFlight: limits the requests that wait for outcomes.
  ///   - workspaces: the workspaces that the sign-ins of a request with a deployment-wide token name.
  ///   - user: reads the user who signed in.
  ///   - source: the CloudEvents `source` of the messages: this process.
  ///   - timeout: the maximum time until Kafka acknowledges a message, and the longest wait for outcomes.
  package init(
    bodies: BodyReader, producer: any MessageProducer, commands: CommandClient, inFlight: ConcurrencyLimit,
    workspaces: NamedWorkspaceCache, user: @escaping SignedInUser.Read, source: String, timeout: Duration
  ) {
    self.bodies = bodies
    self.producer = producer
    decisions = SignInDecisions(commands: commands, user: user)
    self.inFlight = inFlight
    self.workspaces = workspaces
    self.source = source
    self.timeout = timeout
  }

  /// Adds the route to `group`, whose callers have the scope `sign-ins`.
  package func addRoutes(to group: RouterGroup<CallerContext>) {
    group.on(RouterPath(ResourcePath.signIns), method: .post, use: accept)
  }

  @Sendable private func accept(_ request: Request, _ context: CallerContext) async throws -> Response {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let bytes = try await bodies.bytes(of: request, share: &share, maximum: BodyReader.maximumEvents)
    let report = try SignInReport(try await BodyReader.json(of: bytes, info: context.info), size: bytes.count)
    let signIns = try await report.signIns(of: context.caller, workspaces: workspaces, at: Date())
    let response: Response
    if let wait = Preferences(request.headers).wait, wait > 0 {
      response = try await decide(signIns, isBatch: report.isBatch, within: min(wait, Int(timeout / .seconds(1))), context)
    } else {
      try await send(signIns, traceparent: context.info.traceparent)
      response = Response(status: .accepted)
    }
    share.release()
    return response
  }

  /// Awaits the outcomes of sign-ins for up to `wait` seconds. Those without an outcome are stored like sign-ins without a preference; if all
  /// are, the response is the same as well.
  private func decide(_ signIns: [SignIn], isBatch: Bool, within wait: Int, _ context: CallerContext) async throws -> Response {
    let results = try await inFlight.withPlace(of: context.caller) {
      try await decisions.results(
        of: signIns, isBatch: isBatch, within: .seconds(wait), by: context.caller.actor, info: context.info, logger: context.logger)
    }
    let pending = zip(signIns, results).filter { $0.1.outcome == .pending }.map(\.0)
    if !pending.isEmpty { try await send(pending, traceparent: context.info.traceparent) }
    guard pending.count < signIns.count else { return Response(status: .accepted) }
    let active = zip(signIns, results).filter { $0.1.outcome == .alreadyActive }.map(\.0)
    if !active.isEmpty { try await note(active, context) }
    let body = isBatch ? try JSONData.encode(SignInResults(results: results)) : try JSONData.encode(results[0])
    return .json(
      .ok, ByteBuffer(bytes: body), mediaType: MediaType.json, headers: [.preferenceApplied: "wait=\(wait)", .cacheControl: "no-store"])
  }

  /// Produces the sign-ins of active users, of which the mailer stores the time of the last. They change nothing else, so an error is only
  /// logged.
  private func note(_ signIns: [SignIn], _ context: CallerContext) async throws {
    do {
      try await send(signIns, traceparent: context.info.traceparent)
    } catch let error as APIError {
      context.logger.warning("the time of the last sign-in is not stored", metadata: ["error": "\(error.error.detail)"])
    }
  }

  /// Produces sign-ins to `sign-in.events` and returns when Kafka has acknowledged them.
  ///
  /// - Throws: 503 if Kafka does not acknowledge them in time. They may still arrive; processing a sign-in twice is harmless.
  func send(_ signIns: [SignIn], traceparent: String?) async throws {
    let now = Date()
    let messages = try signIns.map { signIn in
      let event = try signIn.cloudEvent(
        id: "\(Identifier<SignIn>.made(at: now))", source: source, time: now, traceparent: traceparent)
      return OutgoingMessage(event, topic: .signInEvents, key: signIn.workspace.description)
    }
    try await producer.send(messages, within: timeout, else: .signInNotSent())
  }
}

extension APIError {
  fileprivate static func signInNotSent() -> APIError {
    APIError(
      503, "The sign-in could not be stored in time. Send it again in \(retrySeconds) s; sending a sign-in twice is harmless.",
      headers: [.retryAfter: "\(retrySeconds)"])
  }
}
