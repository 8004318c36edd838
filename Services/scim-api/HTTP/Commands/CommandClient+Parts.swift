import Crypto
import Foundation
import Models
import Primitives

extension CommandClient {
  /// Executes one of the operations of a request that has several, once for each `purpose`, however often the request is repeated.
  ///
  /// - Parameters:
  ///   - request: The id of what the request creates, which its repetitions share.
  ///   - purpose: Tells the operations of the request apart.
  ///   - workspace: The workspace of the command, which may not exist yet; nil for that of the caller.
  /// - Throws: 422 if an earlier request with the same id had another operation; 503 if the operation was not executed and will not be.
  package func execute(
    _ operation: Command.Operation, ofRequest request: CommandID, purpose: String, in workspace: WorkspaceID? = nil, for caller: Caller,
    info: RequestInfo
  ) async throws -> Reply.Outcome {
    let workspace = workspace ?? caller.workspace
    var attempt = 1
    while true {
      let now = Date()
      let hash = Array(SHA256.hash(data: Array("\(workspace) \(request) \(purpose) \(attempt)".utf8)))
      var command = Command(
        id: CommandID(bytes: hash), workspace: workspace, resource: workspace.resource, actor: caller.actor,
        session: caller.session, issuedAt: now, deadline: deadline(from: now), traceparent: info.traceparent, operation: operation)
      let digest = Hex.encode(SHA256.hash(data: try command.cloudEvent(source: "").data))
      command.requestDigest = digest
      let reply = try await reply(to: command, info: info)
      if let recorded = reply.requestDigest, recorded != digest { throw ProblemDetails.idempotencyConflict() }
      // A rejection before the deadline was recorded for an earlier request, whose command was not executed in time.
      guard case .refused(503, _) = reply.outcome, Date() < deadline(from: now), attempt < IdempotencyKey.maximumAttempts else {
        return reply.outcome
      }
      attempt += 1
    }
  }
}
