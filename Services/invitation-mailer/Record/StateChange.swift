import Foundation
import Kafka
import Models
import Outbox
import Postgres

/// A change of an invitation's state that an administrator sees: a row of the history, and an event on `invitation.events`.
///
/// A mail that is scheduled, claimed and sent is one change, `sent`: the steps before are not recorded.
struct StateChange: Sendable, Hashable {
  var workspace: WorkspaceID
  var invitation: InvitationID
  var user: UserID
  var state: InvitationState
  /// Why the invitation is in this state, for people to read.
  var reason: String
  var changedAt: Date
  /// The W3C trace context of the event that caused the invitation.
  var traceparent: String?

  /// The message on `invitation.events`.
  ///
  /// - Throws: `EncodingError`.
  func message() throws -> OutgoingMessage {
    let event = InvitationEvent(
      workspace: workspace, invitation: invitation, user: user, state: state, reason: reason, changedAt: changedAt)
    return OutgoingMessage(
      CloudEvent(
        id: eventID, source: "invitation-mailer", type: event.type, subject: invitation.description, time: changedAt,
        extensions: ["workspaceid": workspace.description], traceparent: traceparent, data: try JSONData.encode(event)),
      topic: .invitationEvents, key: workspace.description)
  }

  /// The reason of an invitation that is being sent.
  static let claimed = "handed to the mail server"

  /// Whether an event ended the invitation: the person signed in, or it was withdrawn.
  var isEnd: Bool { state == .accepted || state == .revoked }

  /// The CloudEvents id: an invitation is in one state at a time.
  var eventID: String { "\(invitation)/\(state.rawValue)/\(Int64((changedAt.timeIntervalSince1970 * 1_000_000).rounded()))" }
}

extension StateChange {
  /// The columns of a statement on `mailer.invitations i` that returns changes.
  static let columns = "i.workspace_id, i.id, i.user_id, i.state, i.reason, i.changed_at, i.traceparent"

  /// Decodes a row with ``columns``.
  ///
  /// - Throws: `PostgresDecodingError`; ``MessageError`` if the state is unknown.
  init(_ row: Row) throws {
    let state = try row.string(3)
    guard let known = InvitationState(rawValue: state) else { throw MessageError.malformed(attribute: "state", value: state) }
    self.init(
      workspace: WorkspaceID(try row.uuid(0)), invitation: InvitationID(try row.uuid(1)), user: UserID(try row.uuid(2)), state: known,
      reason: try row.string(4), changedAt: try row.timestamp(5), traceparent: try row.optionalString(6))
  }

  /// The statement that writes the history and the events of `changes`. It returns the ids of the outbox rows, in the order of `changes`.
  static func insertion(of changes: [StateChange], with messages: [OutgoingMessage]) -> (Statement, [PostgresValue]) {
    (
      insertion,
      [
        .uuidArray(changes.map(\.workspace.uuid)), .uuidArray(changes.map(\.invitation.uuid)), .timestampArray(changes.map(\.changedAt)),
        .textArray(changes.map(\.state.rawValue)), .textArray(changes.map(\.reason)),
      ] + columns(of: messages)
    )
  }

  /// The keys, headers and payloads of messages as array parameters.
  static func columns(of messages: [OutgoingMessage]) -> [PostgresValue] {
    [
      .bytesArray(messages.map(\.key)),
      .textArray(messages.map { PostgresValue.arrayLiteral($0.headers.flatMap { [$0.name, $0.value] }) }),
      .bytesArray(messages.map(\.value)),
    ]
  }

  private static let insertion = Statement(
    "insert state changes",
    """
    with changed as (
      select *
      from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[], $7::text[], $8::bytea[]) with ordinality
        as c (workspace_id, invitation_id, at, state, reason, key, headers, payload, position)
    ), history as (
      insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
      select workspace_id, invitation_id, at, state, reason
      from changed
      order by position
    )
    insert into mailer.outbox (topic, key, headers, payload)
    select '\(Topic.invitationEvents.name)', key, headers::text[], payload
    from changed
    order by position
    returning id
    """)
}

extension PostgresTransaction {
  /// Writes the history and the events of `changes`, commits, and publishes the events.
  nonisolated(nonsending) func commit(_ changes: [StateChange], publishingWith relay: OutboxRelay?) async throws {
    let messages = try changes.map { try $0.message() }
    let insertion = changes.isEmpty ? [] : [StateChange.insertion(of: changes, with: messages)]
    try await relay.publishing { deletion in
      let rows = try await pipeline(insertion + deletion, commit: true)
      return ((), messages.isEmpty ? [] : try rows.first.map { try Outbox.stored(messages, $0) } ?? [])
    }
  }
}
