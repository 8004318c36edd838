import Foundation
import Models
import Postgres
import SCIM

/// The way of a write: a command to identity-store, and what became of it.
struct CommandPath: Sendable {
  /// Sends a command and waits for its reply until the given time; nil where none came, and none is on its way any more.
  typealias Ask = @Sendable (Command, Date) async throws -> Reply?
  /// Looks up the recorded replies to commands; one that has none is missing.
  typealias Recorded = @Sendable ([CommandID], WorkspaceID) async throws -> [CommandID: Reply]

  /// How long a command may wait before it is begun, in seconds.
  let deadline: TimeInterval
  /// How long a bulk has until its last operation is begun, in seconds.
  let bulkDeadline: TimeInterval
  /// How long the store may take for a command that it began in time, in seconds: it rolls back what takes longer.
  let storeBound: TimeInterval
  let ask: Ask
  let recorded: Recorded

  /// One on which nobody waits for long.
  func hurried(_ deadline: TimeInterval) -> CommandPath {
    CommandPath(
      deadline: min(deadline, self.deadline), bulkDeadline: bulkDeadline, storeBound: storeBound, ask: ask, recorded: recorded)
  }

  /// Carries out `operation` on `resource` for `caller`.
  ///
  /// - Parameter expected: the versions of the resource on which it may be carried out; nil for any.
  /// - Throws: 503 where it was not carried out and will not be.
  func carryOut(
    _ operation: Command.Operation, on resource: ResourceID, expecting expected: [Int64]? = nil, for caller: Caller, facts: RequestInfo
  ) async throws -> Reply.Outcome {
    try await carryOut(
      operation, on: resource, expecting: expected, in: caller.workspace, by: caller.actor, at: caller.session, facts: facts)
  }

  /// Carries out `operation` on `resource` of `workspace`, as `actor` asks for it.
  ///
  /// - Parameter session: of the console, where that is where they ask.
  /// - Throws: 503 where it was not carried out and will not be.
  func carryOut(
    _ operation: Command.Operation, on resource: ResourceID, expecting expected: [Int64]? = nil, in workspace: WorkspaceID,
    by actor: Command.Actor, at session: TokenID? = nil, facts: RequestInfo
  ) async throws -> Reply.Outcome {
    let now = Date()
    let deadline = now + deadline
    let command = Command(
      id: .made(at: now), workspace: workspace, resource: resource, actor: actor, session: session, issuedAt: now,
      deadline: deadline, expectedVersions: expected, traceparent: facts.notes.traceparent, operation: operation)
    facts.note(command: command.id, on: resource)
    if let reply = try await ask(command, deadline + storeBound) { return reply.outcome }
    // Whatever the store began in time is committed or rolled back by now: the record tells which.
    guard let reply = try await record([command.id], of: command)[command.id] else { throw APIError.noReply(command.id) }
    return reply.outcome
  }

  /// Carries out the operations of `bulk` for `caller`; returns what became of them, in their order.
  ///
  /// The deadline is that of each operation: what is not begun by then is refused, what was done before stays. So the answer is exact even
  /// where the reply gets lost: an operation that has no record by the end was not carried out and will not be.
  ///
  /// - Throws: 503 where none was carried out and none will be.
  func carryOut(_ bulk: Bulk, for caller: Caller, facts: RequestInfo) async throws -> [Bulk.Outcome] {
    let now = Date()
    let id = CommandID.made(at: now)
    let deadline = now + bulkDeadline
    let command = Command(
      id: id, workspace: caller.workspace, resource: id.resource, actor: caller.actor, session: caller.session, issuedAt: now,
      deadline: deadline, traceparent: facts.notes.traceparent, operation: .bulk(bulk))
    facts.note(command: id, on: id.resource)
    var replies: [CommandID: Reply] = [:]
    if bulk.operations.contains(where: \.isWrite) {
      if let reply = try await ask(command, deadline + storeBound), case .bulk(let outcomes) = reply.outcome { return outcomes }
      replies = try await record(bulk.operations.map(\.command), of: command)
      guard !replies.isEmpty else { throw APIError.noReply(id) }
    }
    var progress = BulkProgress(bulk) { id, status in .refused(.failedReference(id.description, status: status)) }
    while let next = progress.next() {
      progress.take(next.map { replies[$0.operation.command]?.outcome ?? .refused(.operationNotBegun()) })
    }
    return progress.outcomes
  }

  private func record(_ ids: [CommandID], of command: Command) async throws -> [CommandID: Reply] {
    do {
      return try await recorded(ids, command.workspace)
    } catch let error as PostgresError where error.isTransient {
      throw APIError.outcomeUnknown(command.id)
    }
  }
}

extension Bulk.Operation {
  /// Whether there is anything to carry out.
  fileprivate var isWrite: Bool {
    if case .write = action { true } else { false }
  }
}

extension Bulk.Outcome {
  fileprivate static func refused(_ error: SCIMError) -> Self { .refused(status: error.status, error: error.body()) }
}

extension Reply.Outcome {
  fileprivate static func refused(_ error: SCIMError) -> Self { .refused(status: error.status, error: error.body()) }
}

extension SCIMError {
  fileprivate static func operationNotBegun() -> SCIMError {
    SCIMError(status: 503, scimType: nil, detail: "The operation was not carried out in time and will not be. Send it again.")
  }
}
