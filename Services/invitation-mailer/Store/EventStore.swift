import Foundation
import Models
import Postgres

/// The batch is the transaction: load the versions that it touches, decide each event, write the outcome, commit once.
struct EventStore: Sendable {
  let pool: PostgresPool

  /// Carries `changes` out and returns the invitations that came of them. Carried out again, they change nothing.
  ///
  /// - Throws: `PostgresError`, `PostgresDecodingError`, `CancellationError`. Nothing is written then, unless the outcome of the commit
  ///   is unknown.
  func apply(_ changes: [ReceivedChange], at now: Date) async throws -> [NewInvitation] {
    try await pool.transaction { transaction in
      var decider = InvitationDecider(known: try await versions(for: changes, in: transaction))
      for change in changes { decider.decide(change.event, traceparent: change.traceparent) }
      let steps = steps(for: decider.changes, at: now)
      if !steps.isEmpty { _ = try await transaction.pipeline(steps, commit: true) }
      return decider.changes.invitations
    }
  }

  private nonisolated(nonsending) func versions(
    for changes: [ReceivedChange], in transaction: PostgresTransaction
  ) async throws -> KnownVersions {
    var users: Set<UserKey> = []
    var workspaces: Set<WorkspaceID> = []
    for change in changes {
      switch change.event {
      case .userChanged(let event): users.insert(UserKey(workspace: event.workspace, id: event.user.id))
      case .workspaceChanged(let event): workspaces.insert(event.workspace)
      case .groupChanged, .signInRefused, .changeHeld: break
      }
    }
    var known = KnownVersions()
    guard !users.isEmpty || !workspaces.isEmpty else { return known }
    let answers = try await transaction.pipeline([
      (EventStatements.workspaceVersions, [.uuidArray(workspaces.sorted().map(\.uuid))]),
      (EventStatements.userVersions, users.sorted().columns),
    ])
    guard answers.count == 2 else { return known }
    for row in answers[0] { known.workspaces[WorkspaceID(try row.uuid(0))] = Int64(try row.int(1)) }
    for row in answers[1] {
      known.users[UserKey(workspace: WorkspaceID(try row.uuid(0)), id: UserID(try row.uuid(1)))] = Int64(try row.int(2))
    }
    return known
  }

  private func steps(for changes: MailerChanges, at now: Date) -> [(Statement, [PostgresValue])] {
    var steps: [(Statement, [PostgresValue])] = []
    if !changes.workspaces.isEmpty {
      let workspaces = changes.workspaces.sorted { $0.key < $1.key }.map(\.value)
      steps.append(
        (
          EventStatements.writeWorkspaces,
          [
            .uuidArray(workspaces.map(\.id.uuid)), .textArray(workspaces.map(\.name)), .textArray(workspaces.map(\.signInURL)),
            .intArray(workspaces.map(\.version)),
          ]
        ))
    }
    if !changes.users.isEmpty {
      steps.append((EventStatements.writeUsers, columns(changes.users.sorted { $0.key < $1.key }.map(\.value))))
    }
    // Cancelled after: what a batch both makes and cancels is on record as cancelled.
    if !changes.invitations.isEmpty {
      steps.append((EventStatements.insertInvitations, columns(changes.invitations) + [.timestamp(now)]))
    }
    if !changes.cancellations.isEmpty {
      let cancelled = changes.cancellations.sorted { $0.key < $1.key }
      steps.append((EventStatements.cancelInvitations, cancelled.map(\.key).columns + [.intArray(cancelled.map(\.value))]))
    }
    if !changes.forgotten.isEmpty { steps.append((EventStatements.forgetAnswers, changes.forgotten.sorted().columns)) }
    return steps
  }

  private func columns(_ users: [UserRecord]) -> [PostgresValue] {
    users.map(\.key).columns + [
      .intArray(users.map(\.version)),
      .textArray(users.map(\.state.name)),
      .textArray(users.map { $0.state.invitee?.email }),
      .textArray(users.map { $0.state.invitee?.givenName }),
      .textArray(users.map { $0.state.invitee?.displayName }),
      .textArray(users.map { $0.state.invitee?.language }),
    ]
  }

  private func columns(_ invitations: [NewInvitation]) -> [PostgresValue] {
    invitations.map(\.user).columns + [
      .uuidArray(invitations.map(\.id.uuid)),
      .intArray(invitations.map(\.version)),
      .textArray(invitations.map(\.state.name)),
      .textArray(invitations.map(\.state.reason)),
      .textArray(invitations.map(\.traceparent)),
    ]
  }
}

extension [UserKey] {
  fileprivate var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}

extension UserRecord.State {
  fileprivate var name: String {
    switch self {
    case .invited: "invited"
    case .active: "active"
    case .disabled: "disabled"
    case .deleted: "deleted"
    }
  }

  fileprivate var invitee: Invitee? {
    if case .invited(let invitee) = self { invitee } else { nil }
  }
}

extension NewInvitation.State {
  fileprivate var name: String {
    switch self {
    case .pending: "pending"
    case .failed: "failed"
    }
  }

  fileprivate var reason: String? {
    if case .failed(let reason) = self { reason } else { nil }
  }
}
