import Foundation
import Hummingbird
import Models
import NIOCore
import SCIM

/// `POST /Bulk`: many writes in one request (RFC 7644 §3.7).
///
/// What is wrong with an operation by itself is found here, and what is right goes to identity-store as one command; see ``BulkPlan`` and
/// `Bulk`. The answer is 200 whatever became of the operations: each has its own status.
struct BulkEndpoint: Sendable {
  /// The most operations of a request, as ServiceProviderConfig states it.
  static let maximumOperations = 1000

  let bodies: BodyReader
  /// Bounds the bulk requests in flight, each of which keeps identity-store busy as long as many writes do.
  let inFlight: ConcurrencyLimit
  let commands: CommandPath

  var endpoint: Endpoint { Endpoint(.post, "\(ResourcePath.base)/Bulk", handle: carryOut) }

  private func carryOut(_ request: Request, _ context: CallerContext) async throws -> Response {
    let body = try await inFlight.withPlace(of: context.caller) { try await answer(to: request, context) }
    return .json(.ok, body, mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  private func answer(to request: Request, _ context: CallerContext) async throws -> ByteBuffer {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let bytes = try await bodies.bytes(of: request, share: &share)
    let caller = context.caller
    let userAgent = request.headers[.userAgent]
    let facts = context.facts
    let (message, plan) = try await BlockingWork.run { try Self.plan(bytes, of: caller, userAgent, facts) }
    context.facts.note(normalisations: plan.normalisations)
    let outcomes = try await commands.carryOut(plan.bulk, for: caller, facts: context.facts)
    context.facts.note(operations: message.operations.count, logged: plan.loggedOperations(outcomes, in: message))
    share.release()
    let base = context.base
    return try await BlockingWork.run { BulkResponse(plan: plan, outcomes: outcomes, base: base).body() }
  }

  private static func plan(
    _ bytes: [UInt8], of caller: Caller, _ userAgent: String?, _ facts: RequestInfo
  ) throws -> (message: BulkRequest, plan: BulkPlan) {
    let message = try BulkRequest(try BodyReader.parse(bytes, noting: facts), maximumOperations: maximumOperations)
    let plan = BulkPlan(message, at: Date()) { verb, kind, body throws(SCIMError) in
      try RequestedWrite(
        verb, kind, body, profile: caller.settings.connectionProfile, userAgent: userAgent, schemas: caller.schemas)
    }
    return (message, plan)
  }
}
