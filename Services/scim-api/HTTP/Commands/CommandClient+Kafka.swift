import Foundation
import Kafka
import Logging
import Models
import Postgres
import ServiceKit
import Tracing

extension RequestReply {
  /// Sends `command` and waits for its reply until `end`. Waits also while Kafka is unavailable.
  ///
  /// - Parameter source: the `source` of the messages: this process.
  /// - Returns: nil if the reply has to be read from the database: none arrived by `end`, or it is too large for a message.
  /// - Throws: ``APIError`` if the command was certainly not sent; `CancellationError`.
  func exchange(_ command: Command, until end: Date, source: String, logger: Logger) async throws -> Reply? {
    // The clock may be set meanwhile.
    let now = (date: Date(), instant: ContinuousClock.now)
    func instant(_ date: Date) -> ContinuousClock.Instant { now.instant + .seconds(max(0, date.timeIntervalSince(now.date))) }
    let address = try await replyAddress(until: instant(command.deadline ?? end))
    var command = command
    command.replyTo = address
    let span = Self.span(of: command)
    defer { span?.end() }
    if let trace = span?.trace { command.traceparent = trace.traceparent }
    let message = try await OutgoingMessage(command, source: source)
    do {
      let event = try await request(message, correlationID: address.correlationID, deadline: end)
      // A reply that is too large for its topic has been recorded in the database.
      guard let event, event.type != Reply.recordedType else { return nil }
      return try Reply(event)
    } catch let error as KafkaError {
      switch error.code {
      case .tooManyPending, .notReady: throw APIError.overloaded()
      case .messageTooLarge: throw APIError.commandTooLarge()
      case _ where error.isNotPersisted:
        logger.error("cannot send a command; the request is rejected", metadata: ["command": "\(command.id)", "error": "\(error)"])
        throw APIError.commandNotSent()
      default: logger.warning("no reply to a command", metadata: ["command": "\(command.id)", "error": "\(error)"])
      }
    } catch let error as MessageError {
      logger.error(
        "malformed reply; reading its record from the database instead", metadata: ["command": "\(command.id)", "error": "\(error)"])
    }
    // The command may have been sent nevertheless. Its outcome is final only at its deadline.
    try await Task.sleep(until: instant(end), clock: .continuous)
    return nil
  }

  /// The span of a command from its production to its reply; nil if the trace of the request is not sampled.
  private static func span(of command: Command) -> (any Span)? {
    TraceContext.sampled(command.traceparent)?.startSpan(
      "send \(Topic.identityCommands.name)", ofKind: .producer,
      attributes: [
        "messaging.system": "kafka", "messaging.operation.type": "send", "messaging.operation.name": "send",
        "messaging.destination.name": .string(Topic.identityCommands.name), "messaging.message.id": .string(command.id.description),
        "rollcall.command.type": .string("\(command.operation.type)"),
      ])
  }

  /// The address for the reply. Its partition is known shortly after the start of the process.
  private func replyAddress(until deadline: ContinuousClock.Instant) async throws -> ReplyAddress {
    while !isReady {
      // No reply can arrive, and the topic may be missing for a long time.
      guard !hasLostReplyTopic else { throw APIError.commandNotSent() }
      guard .now < deadline else { throw APIError.overloaded() }
      try await Task.sleep(for: .milliseconds(20))
    }
    return try address()
  }
}

extension OutgoingMessage {
  /// The message with `command`. A bulk command, which may be large, is encoded off the event loops.
  fileprivate init(_ command: Command, source: String) async throws {
    let event: CloudEvent
    switch command.operation {
    case .bulk: event = try await BlockingWork.run { try command.cloudEvent(source: source) }
    default: event = try command.cloudEvent(source: source)
    }
    self.init(event, topic: .identityCommands, key: command.workspace.description)
  }
}

extension Database {
  private static let repliesStatement = Statement(
    "scim_api_reply",
    """
    select r.command_id, r.attributes, r.data, r.resource_version, r.resource_modified_at
    from identity_read.replies r
    where r.workspace_id = $1
    and r.command_id = any ($2)
    """)

  /// The replies to `commands` that identity-store has recorded, each with the present state of its resource (``Reply/recorded()``).
  func recordedReplies(to commands: [CommandID], in workspace: WorkspaceID) async throws -> [CommandID: Reply] {
    let rows = try await query(Self.repliesStatement, [.uuid(workspace.uuid), .uuidArray(commands.map(\.uuid))], in: workspace)
    var replies: [CommandID: Reply] = [:]
    for row in rows {
      let command = CommandID(try row.uuid(0))
      let reply = try Reply(
        command: command, attributes: [String: String](pairs: try row.textArray(1)), data: try row.bytes(2))
      replies[command] =
        if case .resource(let resource, _) = reply.outcome, let version = try row.optionalInt(3) {
          reply.completed(
            with: StoredResource(
              id: resource.id, version: Int64(version), modifiedAt: try row.timestamp(4), document: resource.document))
        } else {
          reply
        }
    }
    return replies
  }
}
