import Foundation
import Models
import Postgres

/// An invitation whose time has come.
struct DueInvitation: Sendable, Hashable {
  var workspace: WorkspaceID
  var user: UserID
  /// How often it has been tried.
  var attempts: Int
  var createdAt: Date
  var traceparent: String?
  /// What to say, as the user and the workspace are at this moment.
  var notice: InvitationNotice

  var id: InvitationID { notice.id }
}

/// The invitations, as the sending loop sees them.
struct InvitationStore: Sendable {
  let pool: PostgresPool

  /// The invitations that have been due longest. One whose workspace is not known yet is not among them: its event is still on the way,
  /// on another partition.
  nonisolated(nonsending) func due(atMost limit: Int, at now: Date, in session: PostgresSession) async throws -> [DueInvitation] {
    let rows = try await session.query(InvitationStatements.due, [.timestamp(now), .int(Int64(limit))])
    return try rows.map { row in
      DueInvitation(
        workspace: WorkspaceID(try row.uuid(0)), user: UserID(try row.uuid(2)), attempts: try row.int(3),
        createdAt: try row.timestamp(4), traceparent: try row.optionalString(5),
        notice: InvitationNotice(
          id: InvitationID(try row.uuid(1)), email: try row.optionalString(6) ?? "", givenName: try row.optionalString(7),
          displayName: try row.optionalString(8), language: try row.optionalString(9), workspaceName: try row.string(10),
          signInURL: try row.string(11)))
    }
  }

  /// Writes down what became of an attempt.
  ///
  /// An invitation that was cancelled while its mail was under way is on record as sent when the server took it, and otherwise stays
  /// cancelled.
  func record(_ verdict: RetrySchedule.Verdict, on invitation: DueInvitation, at now: Date, postponedBy pause: Duration) async throws {
    let key: [PostgresValue] = [.uuid(invitation.workspace.uuid), .uuid(invitation.id.uuid)]
    switch verdict {
    case .sent(let answer):
      _ = try await pool.query(InvitationStatements.recordSent, key + [.timestamp(now), .text(answer)])
    case .failed(let answer):
      _ = try await pool.query(InvitationStatements.recordFailed, key + [.text(answer)])
    case .retry(let time, let answer):
      _ = try await pool.query(InvitationStatements.postpone, key + [.timestamp(time), .text(answer), .int(1)])
    case .postponed(let answer):
      let time = now.addingTimeInterval(pause / .seconds(1))
      _ = try await pool.query(InvitationStatements.postpone, key + [.timestamp(time), .text(answer), .int(0)])
    }
  }

  /// How many invitations wait to be sent.
  func pending() async throws -> Int {
    try await pool.query(InvitationStatements.pending).first?.int(0) ?? 0
  }
}
