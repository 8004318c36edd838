import Foundation
import Kafka
import Logging
import Models
import Postgres
import SCIM

/// Sends commands to identity-store through Kafka, and returns their outcomes.
///
/// If no reply arrives, the client reads it from the database, where identity-store records it in the transaction of the command. The
/// outcome is therefore exact even if the reply message is lost.
package struct CommandClient: Sendable {
  /// The timeouts of commands.
  package struct Timeouts: Sendable {
    /// The maximum wait until identity-store starts a command, in seconds.
    var start: TimeInterval
    /// The maximum time until identity-store starts the last operation of a bulk command, in seconds.
    var bulkStart: TimeInterval
    /// The maximum execution time of a command that was started in time, in seconds; identity-store rolls back what takes longer.
    var execution: TimeInterval

    /// - Parameters:
    ///   - start: the maximum wait until identity-store starts a command, in seconds.
    ///   - bulkStart: the maximum time until identity-store starts the last operation of a bulk command, in seconds.
    ///   - execution: the maximum execution time of a command that was started in time, in seconds.
    package init(start: TimeInterval, bulkStart: TimeInterval, execution: TimeInterval) {
      self.start = start
      self.bulkStart = bulkStart
      self.execution = execution
    }
  }

  /// Sends a command and waits for its reply until `end`; nil if none arrives, or if it is only recorded in the database.
  typealias Exchange = @Sendable (_ command: Command, _ end: Date) async throws -> Reply?
  /// Reads the recorded replies to commands; commands without a record are omitted.
  typealias RecordedReplies = @Sendable (_ commands: [CommandID], _ workspace: WorkspaceID) async throws -> [CommandID: Reply]

  private var timeouts: Timeouts
  let exchange: Exchange
  private let recordedReplies: RecordedReplies

  /// A client of identity-store.
  ///
  /// - Parameters:
  ///   - requests: the request-reply client for Kafka.
  ///   - database: the database with the recorded replies.
  ///   - source: the `source` of the messages: this process.
  package init(_ timeouts: Timeouts, requests: RequestReply, database: Database, source: String, logger: Logger) {
    self.init(
      timeouts, exchange: { try await requests.exchange($0, until: $1, source: source, logger: logger) },
      recordedReplies: { try await database.recordedReplies(to: $0, in: $1) })
  }

  /// A client with replaceable messages and reads, for tests.
  init(_ timeouts: Timeouts, exchange: @escaping Exchange, recordedReplies: @escaping RecordedReplies) {
    self.timeouts = timeouts
    self.exchange = exchange
    self.recordedReplies = recordedReplies
  }

  /// The same client with a maximum wait of `seconds` until a command starts, if that is shorter.
  package func startingWithin(_ seconds: TimeInterval) -> CommandClient {
    var client = self
    client.timeouts.start = min(seconds, timeouts.start)
    return client
  }

  /// Executes `operation` on `resource` for `caller`.
  ///
  /// - Parameters:
  ///   - expected: the versions of the resource for which the operation may be executed; nil for any.
  ///   - settingsVersion: as ``Command/settingsVersion``.
  /// - Throws: 503 if the operation was not executed and will not be.
  package func execute(
    _ operation: Command.Operation, on resource: ResourceID, expecting expected: [Int64]? = nil,
    validatedWith settingsVersion: Int64? = nil, for caller: Caller, info: RequestInfo
  ) async throws -> Reply.Outcome {
    try await execute(
      operation, on: resource, expecting: expected, validatedWith: settingsVersion, in: caller.workspace, by: caller.actor,
      at: caller.session, info: info)
  }

  /// Executes `operation` on `resource` of `workspace` for `actor`.
  ///
  /// - Parameters:
  ///   - expected: the versions of the resource for which the operation may be executed; nil for any.
  ///   - settingsVersion: as ``Command/settingsVersion``.
  ///   - session: the actor's console session, if the command comes from the console.
  /// - Throws: 503 if the operation was not executed and will not be.
  package func execute(
    _ operation: Command.Operation, on resource: ResourceID, expecting expected: [Int64]? = nil,
    validatedWith settingsVersion: Int64? = nil, in workspace: WorkspaceID, by actor: Command.Actor, at session: TokenID? = nil,
    info: RequestInfo
  ) async throws -> Reply.Outcome {
    let now = Date()
    let command = Command(
      id: .made(at: now), workspace: workspace, resource: resource, actor: actor, session: session, issuedAt: now,
      deadline: deadline(from: now), expectedVersions: expected, settingsVersion: settingsVersion, traceparent: info.traceparent,
      operation: operation)
    return try await reply(to: command, info: info).outcome
  }

  /// The deadline of a command that is issued at `now`.
  func deadline(from now: Date) -> Date { now + timeouts.start }

  /// Executes `command`, and returns its reply.
  ///
  /// - Throws: 503 if the command was not executed and will not be.
  func reply(to command: Command, info: RequestInfo) async throws -> Reply {
    info.record(command: command.id, on: command.resource)
    let end = (command.deadline ?? deadline(from: command.issuedAt)) + timeouts.execution
    if let reply = try await exchange(command, end), reply.resourceWithoutDocument == nil { return reply }
    // By now, identity-store has committed or rolled back every command that it started in time.
    guard let reply = try await recorded([command.id], of: command)[command.id] else { throw APIError.noReply(command.id) }
    guard reply.resourceWithoutDocument == nil else { throw APIError.deletedSince(command.id) }
    return reply
  }

  /// Executes the operations of `bulk` for `caller`; returns their outcomes in the same order.
  ///
  /// The deadline applies to each operation: those not started by then are rejected, and earlier ones keep their effect. An operation
  /// without a record after the deadline was not executed and will not be.
  ///
  /// - Throws: 503 if no operation was executed and none will be.
  package func execute(_ bulk: Bulk, for caller: Caller, info: RequestInfo) async throws -> [Bulk.Outcome] {
    let now = Date()
    let id = CommandID.made(at: now)
    let deadline = now + timeouts.bulkStart
    let command = Command(
      id: id, workspace: caller.workspace, resource: id.resource, actor: caller.actor, session: caller.session, issuedAt: now,
      deadline: deadline, traceparent: info.traceparent, operation: .bulk(bulk))
    info.record(command: id, on: id.resource)
    var replies: [CommandID: Reply] = [:]
    if bulk.operations.contains(where: \.isWrite) {
      if let reply = try await exchange(command, deadline + timeouts.execution), case .bulk(let outcomes) = reply.outcome {
        return outcomes
      }
      replies = try await recorded(bulk.operations.map(\.command), of: command)
      guard !replies.isEmpty else { throw APIError.noReply(id) }
    }
    var progress = BulkProgress(bulk) { id, status in .refused(.failedReference(id.description, status: status)) }
    while let next = progress.next() {
      progress.take(next.map { replies[$0.operation.command]?.outcome ?? .refused(.operationNotStarted()) })
    }
    return progress.outcomes
  }

  private func recorded(_ ids: [CommandID], of command: Command) async throws -> [CommandID: Reply] {
    do {
      return try await recordedReplies(ids, command.workspace)
    } catch let error as PostgresError where error.isTransient {
      throw APIError.outcomeUnknown(command.id)
    }
  }
}

extension Bulk.Operation {
  /// Whether identity-store has to execute the operation.
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
  fileprivate static func operationNotStarted() -> SCIMError {
    SCIMError(status: 503, scimType: nil, detail: "The operation was not executed in time and will not be. Send it again.")
  }
}
