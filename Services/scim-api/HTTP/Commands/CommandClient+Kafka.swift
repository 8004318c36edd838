import Foundation
import Kafka
import Logging
import Models
import Postgres

extension RequestReply {
  /// Sends `command` and waits for its reply until `end`. While Kafka is unavailable the command waits, too.
  ///
  /// - Parameter source: this process, as the `source` of its messages.
  /// - Returns: nil without a reply; it is `end` by then, or the reply is recorded in the database.
  /// - Throws: an ``APIError`` if the command certainly was not sent; `CancellationError`.
  func exchange(_ command: Command, until end: Date, source: String, logger: Logger) async throws -> Reply? {
    let address = try await replyAddress(until: command.deadline ?? end)
    var command = command
    command.replyTo = address
    let message = try await OutgoingMessage(command, source: source)
    do {
      let event = try await request(message, correlationID: address.correlationID, deadline: end)
      // A reply that is too large for its topic is in the database by now.
      guard let event, event.type != Reply.recordedType else { return nil }
      return try Reply(event)
    } catch let error as KafkaError {
      switch error.code {
      case .tooManyPending, .notReady: throw APIError.overloaded()
      case .messageTooLarge: throw APIError.commandTooLarge()
      case _ where error.isNotPersisted:
        logger.error("a command cannot be sent; it is refused", metadata: ["command": "\(command.id)", "error": "\(error)"])
        throw APIError.commandNotSent()
      default: logger.warning("no reply", metadata: ["command": "\(command.id)", "error": "\(error)"])
      }
    } catch let error as MessageError {
      logger.error(
        "the reply is malformed; its record is read instead", metadata: ["command": "\(command.id)", "error": "\(error)"])
    }
    // The command may have been sent all the same: its outcome is certain only at the end of its time.
    try await Task.sleep(for: .seconds(max(0, end.timeIntervalSinceNow)))
    return nil
  }

  /// The address for the reply. Its partition is known shortly after the start of the process.
  private func replyAddress(until deadline: Date) async throws -> ReplyAddress {
    while !isReady {
      // No reply could arrive, and the topic may be missing for long.
      guard !hasLostReplyTopic else { throw APIError.commandNotSent() }
      guard Date() < deadline else { throw APIError.overloaded() }
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
    self.init(event, topic: .identityCommands, key: command.resource.description)
  }
}

extension Database {
  private static let repliesStatement = Statement(
    "scim_api_reply",
    """
    select r.command_id, r.attributes, r.data
    from identity_read.replies r
    where r.workspace_id = $1
    and r.command_id = any ($2)
    """)

  /// The replies to `commands` that identity-store has recorded.
  func recordedReplies(to commands: [CommandID], in workspace: WorkspaceID) async throws -> [CommandID: Reply] {
    let rows = try await query(Self.repliesStatement, [.uuid(workspace.uuid), .uuidArray(commands.map(\.uuid))], in: workspace)
    var replies: [CommandID: Reply] = [:]
    for row in rows {
      let command = CommandID(try row.uuid(0))
      replies[command] = try Reply(
        command: command, attributes: [String: String](pairs: try row.textArray(1)), data: try row.bytes(2))
    }
    return replies
  }
}
