import Foundation
import Kafka
import Models
import Postgres
import ServiceKit

/// Asks identity-store to carry out a command, and awaits what became of it.
struct CommandClient: Sendable {
  let brokers: Brokers
  let pool: PostgresPool
  private let actor: Command.Actor

  /// How long a command may wait before identity-store begins it.
  private static let deadline: TimeInterval = 20
  /// How long identity-store may take for a command that it began in time: it rolls back what takes longer.
  private static let storeBound: TimeInterval = 6

  /// - Throws: ``Failure`` where no broker answers, or the operator's name is none; `KafkaError`; `SettingsError`.
  init(_ settings: ServiceSettings, pool: PostgresPool) async throws {
    actor = .operator(try Operator.name(settings))
    brokers = try await Brokers.reached(settings, topics: [.identityCommands, .identityReplies])
    self.pool = pool
  }

  /// Carries out `operation` on the workspace's settings or tokens, or on one of its resources.
  ///
  /// - Throws: ``Failure`` where it was refused, or not carried out; `KafkaError`; `PostgresError`.
  func carryOut(_ operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID) async throws {
    try await hold { try await $0.carryOut(operation, on: resource, in: workspace) }
  }

  // With its error typed, Swift 6.3 crashes when it optimises the asynchronous functions that call it.
  /// - Throws: ``Failure`` where it was refused.
  static func check(_ outcome: Reply.Outcome) throws {
    if case .refused(let status, let error) = outcome { throw Failure(refusal: status, error: error) }
  }

  /// What became of `operation`.
  ///
  /// - Parameter expected: the versions of the settings on which it may be carried out; nil for any.
  /// - Throws: ``Failure`` where it was not carried out; `KafkaError`; `PostgresError`.
  func outcome(
    of operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID, expecting expected: [Int64]? = nil
  ) async throws -> Reply.Outcome {
    try await hold { try await $0.outcome(of: operation, on: resource, in: workspace, expecting: expected) }
  }

  /// Runs `body` with what carries out any number of operations, several at once.
  ///
  /// - Throws: What `body` throws; `KafkaError`.
  func hold<Value: Sendable>(_ body: @Sendable (Asking) async throws -> Value) async throws -> Value {
    try await brokers.withProducer { producer in
      let requests = try RequestReply(
        brokers.configuration, producer: producer, replyTopic: .identityReplies, instance: .random(in: 0..<10_000), logger: brokers.logger)
      return try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await requests.run() }
        defer { group.cancelAll() }
        try await requests.waitUntilReady(within: .seconds(20))
        return try await body(Asking(conversation: self, requests: requests))
      }
    }
  }

  /// A conversation under way.
  struct Asking: Sendable {
    fileprivate let conversation: CommandClient
    fileprivate let requests: RequestReply

    /// Carries `operation` out on what belongs to the workspace as a whole, or on one of its resources.
    ///
    /// - Throws: ``Failure`` where it was refused, or not carried out; `KafkaError`; `PostgresError`.
    func carryOut(_ operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID) async throws {
      try CommandClient.check(try await outcome(of: operation, on: resource, in: workspace))
    }

    fileprivate func outcome(
      of operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID, expecting expected: [Int64]? = nil
    ) async throws -> Reply.Outcome {
      try await conversation.ask(
        operation, on: resource ?? workspace.resource, in: workspace, expecting: expected, through: requests
      ).outcome
    }
  }

  private func ask(
    _ operation: Command.Operation, on resource: ResourceID, in workspace: WorkspaceID, expecting expected: [Int64]?,
    through requests: RequestReply
  ) async throws -> Reply {
    let now = Date.now
    let address = try requests.address()
    let command = Command(
      id: .made(at: now), workspace: workspace, resource: resource, actor: actor, issuedAt: now, deadline: now + Self.deadline,
      expectedVersions: expected, replyTo: address, operation: operation)
    let message = OutgoingMessage(
      try command.cloudEvent(source: "scimctl"), topic: .identityCommands, key: command.resource.description)
    let answer = try await requests.request(
      message, correlationID: address.correlationID, deadline: now + Self.deadline + Self.storeBound)
    if let answer, answer.type != Reply.recordedType { return try Reply(answer) }
    // Whatever was begun in time is committed or rolled back by now: the record tells which.
    if let recorded = try await recordedReply(to: command.id, in: workspace) { return recorded }
    throw Failure(
      .unavailable,
      "identity-store has not answered, and nothing was changed. Is it running? Its /readyz and its log tell more; then try again")
  }

  private func recordedReply(to command: CommandID, in workspace: WorkspaceID) async throws -> Reply? {
    guard let row = try await pool.query(Queries.recordedReply, [.uuid(workspace.uuid), .uuid(command.uuid)]).first else { return nil }
    return try Reply(command: command, attributes: [String: String](pairs: row.textArray(0)), data: row.bytes(1))
  }
}

extension RequestReply {
  /// - Throws: ``Failure`` where the topic of replies cannot be read from in time.
  fileprivate func waitUntilReady(within limit: Duration) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.waitUntilReady() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw Failure(
          .unavailable, "the topic '\(Topic.identityReplies.name)' cannot be read from. Are all brokers of the cluster running?")
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
