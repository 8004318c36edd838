import Foundation
import Models
import Postgres

/// The way of a write: a command to identity-store, and what became of it.
struct CommandPath: Sendable {
  /// Sends a command and waits for its reply until the given time; nil where none came, and none is on its way any more.
  typealias Ask = @Sendable (Command, Date) async throws -> Reply?
  /// Looks up the recorded reply to a command; nil where there is none.
  typealias Recorded = @Sendable (CommandID, WorkspaceID) async throws -> Reply?

  /// How long a command may wait before it is begun, in seconds.
  let deadline: TimeInterval
  /// How long the store may take for a command that it began in time, in seconds: it rolls back what takes longer.
  let storeBound: TimeInterval
  let ask: Ask
  let recorded: Recorded

  /// Carries out `operation` on `resource` for `caller`.
  ///
  /// - Parameter expected: the versions of the resource on which it may be carried out; nil for any.
  /// - Throws: 503 where it was not carried out and will not be.
  func carryOut(
    _ operation: Command.Operation, on resource: ResourceID, expecting expected: [Int64]? = nil, for caller: Caller, facts: RequestFacts
  ) async throws -> Reply.Outcome {
    let now = Date()
    let deadline = now + deadline
    let command = Command(
      id: .made(at: now), workspace: caller.workspace, resource: resource, actor: .token(caller.token), issuedAt: now,
      deadline: deadline, expectedVersions: expected, traceparent: facts.notes.traceparent, operation: operation)
    facts.note(command: command.id, on: resource)
    if let reply = try await ask(command, deadline + storeBound) { return reply.outcome }
    // Whatever the store began in time is committed or rolled back by now: the record tells which.
    do {
      if let reply = try await recorded(command.id, caller.workspace) { return reply.outcome }
    } catch let error as PostgresError where error.isTransient {
      throw Refusal.outcomeUnknown(command.id)
    }
    throw Refusal.noReply(command.id)
  }
}
