import Foundation
import Models

extension CommandClient {
  /// Executes `operation` for `caller`: once for each idempotency key, however often the request is repeated.
  ///
  /// - Parameters:
  ///   - resource: the resource; nil for the workspace of the caller.
  ///   - workspace: the workspace; nil for that of the caller.
  ///   - expected: the versions of the resource for which the operation may be executed; nil for any.
  ///   - key: the key of the request; nil if it has none.
  /// - Throws: 422 if the key was used for another request; 503 if the operation was not executed and will not be.
  package func execute(
    _ operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID? = nil, expecting expected: [Int64]? = nil,
    for caller: Caller, once key: inout IdempotencyKey?, info: RequestInfo
  ) async throws -> Reply.Outcome {
    let workspace = workspace ?? caller.workspace
    while true {
      let now = Date()
      let command = Command(
        id: key?.command ?? .made(at: now), workspace: workspace, resource: resource ?? workspace.resource, actor: caller.actor,
        session: caller.session, issuedAt: now, deadline: deadline(from: now), expectedVersions: expected,
        requestDigest: key?.requestDigest, traceparent: info.traceparent, operation: operation)
      let reply = try await reply(to: command, info: info)
      guard key != nil else { return reply.outcome }
      if let digest = reply.requestDigest, digest != key?.requestDigest { throw ProblemDetails.idempotencyConflict() }
      // A rejection before the deadline was recorded for an earlier request with this key, whose command was not executed in time.
      guard case .refused(503, _) = reply.outcome, Date() < deadline(from: now), key?.advance() == true else { return reply.outcome }
    }
  }
}
