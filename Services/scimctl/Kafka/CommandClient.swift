import Foundation
import Kafka
import Models
import Postgres
import ServiceKit

/// Runs `body` with a client that sends commands to identity-store.
///
/// - Throws: Whatever `body` throws; ``ScimctlError`` if no broker answers or the operator's name is invalid; `KafkaError`; `SettingsError`.
func withCommandClient<Value: Sendable>(
  _ settings: ServiceSettings, pool: PostgresPool, _ body: @Sendable (CommandClient) async throws -> Value
) async throws -> Value {
  let actor = Command.Actor.operator(try Operator.name(settings))
  let kafka = try await KafkaConnection.open(settings, topics: [.identityCommands, .identityReplies])
  return try await kafka.withProducer { producer in
    let requests = try RequestReply(
      kafka.configuration, producer: producer, replyTopic: .identityReplies, instance: .random(in: 0..<10_000), logger: kafka.logger)
    return try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await requests.run() }
      defer { group.cancelAll() }
      try await requests.waitUntilReady(within: .seconds(20))
      return try await body(CommandClient(requests: requests, pool: pool, actor: actor))
    }
  }
}

/// Sends commands to identity-store and waits for their replies. Commands may be sent concurrently.
struct CommandClient: Sendable {
  fileprivate let requests: RequestReply
  fileprivate let pool: PostgresPool
  fileprivate let actor: Command.Actor

  /// How long a command may wait before identity-store starts it, in seconds.
  private static let deadline: TimeInterval = 20
  /// How long identity-store may take for a command that it started in time, in seconds. It rolls back what takes longer.
  private static let executionLimit: TimeInterval = 6

  /// Executes `operation` on the workspace itself or on one of its resources.
  ///
  /// - Throws: ``ScimctlError`` if identity-store rejects it or does not answer; `KafkaError`; `PostgresError`.
  func execute(_ operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID) async throws {
    try Self.check(try await outcome(of: operation, on: resource, in: workspace))
  }

  /// Executes `operation` and returns its outcome, which may be a rejection.
  ///
  /// - Parameter expectedVersions: The versions of the resource that the operation may change; nil for any.
  /// - Throws: ``ScimctlError`` if identity-store does not answer; `KafkaError`; `PostgresError`.
  func outcome(
    of operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID, expectedVersions: [Int64]? = nil
  ) async throws -> Reply.Outcome {
    let now = Date.now
    let address = try requests.address()
    let command = Command(
      id: .made(at: now), workspace: workspace, resource: resource ?? workspace.resource, actor: actor, issuedAt: now,
      deadline: now + Self.deadline, expectedVersions: expectedVersions, replyTo: address, operation: operation)
    let message = OutgoingMessage(
      try command.cloudEvent(source: "scimctl"), topic: .identityCommands, key: command.workspace.description)
    let answer = try await requests.request(
      message, correlationID: address.correlationID, deadline: now + Self.deadline + Self.executionLimit)
    if let answer, answer.type != Reply.recordedType { return try Reply(answer).outcome }
    // A command that was started in time is committed or rolled back by now. The recorded reply shows which.
    if let recorded = try await recordedReply(to: command.id, in: workspace) { return recorded.outcome }
    throw ScimctlError(
      .unavailable,
      "identity-store did not answer, and nothing was changed. Is it running? See its /readyz and its log, then try again")
  }

  // With a typed error, Swift 6.3 crashes when it optimises the asynchronous functions that call this one.
  /// Throws if identity-store rejected the command.
  ///
  /// - Throws: ``ScimctlError`` with the detail of the rejection.
  static func check(_ outcome: Reply.Outcome) throws {
    if case .refused(let status, let error) = outcome { throw ScimctlError(rejectionStatus: status, error: error) }
  }

  private func recordedReply(to command: CommandID, in workspace: WorkspaceID) async throws -> Reply? {
    guard let row = try await pool.query(WorkspaceQueries.recordedReply, [.uuid(workspace.uuid), .uuid(command.uuid)]).first else {
      return nil
    }
    return try Reply(command: command, attributes: [String: String](pairs: row.textArray(0)), data: row.bytes(1))
  }
}

extension RequestReply {
  /// Waits until replies can be received.
  ///
  /// - Throws: ``ScimctlError`` if the topic of replies cannot be read in time.
  fileprivate func waitUntilReady(within limit: Duration) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.waitUntilReady() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw ScimctlError(
          .unavailable, "the topic '\(Topic.identityReplies.name)' cannot be read. Are all brokers of the cluster running?")
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
