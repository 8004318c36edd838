import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import NIOCore
import SCIM

/// `POST /Bulk`: many writes in one request (RFC 7644 §3.7).
///
/// scim-api validates each operation, and identity-store executes the valid ones as one command. See ``BulkPlan`` and `Bulk`. The response
/// is 200 whatever the outcomes of the operations, which have statuses of their own.
struct BulkController: Sendable {
  /// The maximum number of operations in a request, as in ServiceProviderConfig.
  static let maximumOperations = 1000

  let bodies: BodyReader
  /// Limits the bulk requests in flight, since each is as expensive as many writes.
  let inFlight: ConcurrencyLimit
  let commands: CommandClient

  func addRoutes(to group: RouterGroup<CallerContext>) {
    group.on("Bulk", method: .post, use: execute)
  }

  @Sendable private func execute(_ request: Request, _ context: CallerContext) async throws -> Response {
    let body = try await inFlight.withPlace(of: context.caller) { try await responseBody(for: request, context) }
    return .json(.ok, body, mediaType: MediaType.ofAnswer(accept: request.headers[.accept]))
  }

  private func responseBody(for request: Request, _ context: CallerContext) async throws -> ByteBuffer {
    var share = BodyBudget.Share(of: bodies.budget, for: .workspace(context.caller.workspace))
    let bytes = try await bodies.bytes(of: request, share: &share)
    let caller = context.caller
    let userAgent = request.headers[.userAgent]
    let info = context.info
    let (message, plan) = try await BlockingWork.run { try Self.plan(bytes, of: caller, userAgent, info) }
    context.info.record(normalisations: plan.normalisations)
    let outcomes = try await commands.execute(plan.bulk, for: caller, info: context.info)
    context.info.record(operations: message.operations.count, logged: plan.loggedOperations(outcomes, in: message))
    share.release()
    let base = context.base
    return try await BlockingWork.run { BulkResponse(plan: plan, outcomes: outcomes, base: base).body() }
  }

  private static func plan(
    _ bytes: [UInt8], of caller: Caller, _ userAgent: String?, _ info: RequestInfo
  ) throws -> (message: BulkRequest, plan: BulkPlan) {
    let message = try BulkRequest(try BodyReader.parse(bytes, info: info), maximumOperations: maximumOperations)
    let plan = BulkPlan(message, at: Date()) { verb, kind, body throws(SCIMError) in
      try RequestedWrite(
        verb, kind, body, profile: caller.settings.connectionProfile, userAgent: userAgent, schemas: caller.schemas)
    }
    return (message, plan)
  }
}
