import Foundation
import MailTemplates
import Models
import Postgres

/// Applies batches of events to PostgreSQL. A batch is one transaction: load its state, decide each event, write the changes, commit.
struct EventStore: Sendable {
  let pool: PostgresPool

  /// Applies identity events and returns the changes. Applying them again changes nothing.
  ///
  /// - Throws: `PostgresError`, `PostgresDecodingError` or `CancellationError`. Nothing was written then, unless the outcome of the commit
  ///   is unknown.
  func apply(_ changes: [ReceivedChange], at now: Date) async throws -> MailerChanges {
    try await pool.transaction { transaction in
      var decider = InvitationDecider(known: try await loadState(for: changes, in: transaction))
      for change in changes { decider.decide(change.event, traceparent: change.traceparent) }
      let steps = try MailerWriter.statements(for: decider.changes, at: now)
      if !steps.isEmpty { _ = try await transaction.pipeline(steps, commit: true) }
      return decider.changes
    }
  }

  /// Applies bounce and delivery reports.
  ///
  /// - Throws: `PostgresError` or `CancellationError`.
  func apply(_ reports: [MailEvent], at now: Date) async throws {
    guard !reports.isEmpty else { return }
    // Only the last report about each invitation, since a statement updates a row once.
    var latest: [MailEvent] = []
    for report in reports {
      latest.removeAll { $0.workspace == report.workspace && $0.key == report.key }
      latest.append(report)
    }
    let reported = latest
    try await pool.transaction { transaction in
      _ = try await transaction.pipeline(
        [
          (
            EventStatements.report,
            [
              .uuidArray(reported.map(\.workspace.uuid)), .uuidArray(reported.map { $0.invitation?.uuid }),
              .bytesArray(reported.map { report in report.email.map { SignInKey($0, in: report.workspace).bytes } }),
              .textArray(reported.map(\.event.rawValue)),
              .textArray(
                reported.map { report in
                  let reason = (report.reason ?? "").withoutControlCharacters.truncated(to: 500, bytes: 2000)
                  return reason.isEmpty ? "reported by the mail system" : "reported by the mail system: \(reason)"
                }), .timestamp(now),
              .bytesArray(reported.map { report in report.email.flatMap { SignInKey.former($0, in: report.workspace)?.bytes } }),
            ]
          )
        ], commit: true)
    }
  }

  /// Loads the state that the batch depends on.
  private nonisolated(nonsending) func loadState(
    for changes: [ReceivedChange], in transaction: PostgresTransaction
  ) async throws -> KnownState {
    var users: Set<UserKey> = []
    var workspaces: Set<WorkspaceID> = []
    var orders: Set<OrderKey> = []
    var keys: Set<WorkspaceSignInKey> = []
    for change in changes {
      switch change.event {
      case .userChanged(let event):
        let record = UserRecord(event)
        users.insert(record.key)
        workspaces.insert(event.workspace)
        keys.formUnion(record.signInKeys)
      case .workspaceChanged(let event): workspaces.insert(event.workspace)
      case .invitationOrdered(let event):
        workspaces.insert(event.workspace)
        orders.insert(OrderKey(workspace: event.workspace, id: event.id))
        if let user = event.order.user { users.insert(UserKey(workspace: event.workspace, id: user)) }
      case .changeHeld(let event): workspaces.insert(event.workspace)
      case .groupChanged, .signInRefused: break
      }
    }
    var known = KnownState()
    guard !workspaces.isEmpty else { return known }
    let sortedKeys = keys.sorted()
    let answers = try await transaction.pipeline([
      (EventStatements.knownWorkspaces, [.uuidArray(workspaces.sorted().map(\.uuid))]),
      (EventStatements.knownUsers, users.sorted().columns),
      (EventStatements.knownOrders, [.uuidArray(orders.map(\.workspace.uuid)), .uuidArray(orders.map(\.id.uuid))]),
      (EventStatements.skippedSignIns, [.uuidArray(sortedKeys.map(\.workspace.uuid)), .bytesArray(sortedKeys.map(\.key.bytes))]),
      (EventStatements.databaseCreation, []),
    ])
    guard answers.count == 5 else { return known }
    for row in answers[0] {
      let id = WorkspaceID(try row.uuid(0))
      known.workspaces[id] = WorkspaceRecord(
        id: id, settings: try JSONData.decode(from: row.bytes(1), type: "workspace settings"), version: Int64(try row.int(2)))
    }
    for row in answers[1] {
      let state: KnownUser.State = try row.string(3) == "invited" ? .invited(email: try row.optionalString(4)) : .other
      known.users[UserKey(workspace: WorkspaceID(try row.uuid(0)), id: UserID(try row.uuid(1)))] = KnownUser(
        version: Int64(try row.int(2)), state: state, hasInvitation: try row.bool(5))
    }
    for row in answers[2] { known.orders.insert(CommandID(try row.uuid(0))) }
    for row in answers[3] {
      known.skippedSignIns[WorkspaceSignInKey(WorkspaceID(try row.uuid(0)), SignInKey(bytes: try row.bytes(1)))] = try row.timestamp(2)
    }
    if let row = answers[4].first { known.databaseCreatedAt = try row.timestamp(0) }
    return known
  }
}

extension [UserKey] {
  /// The keys as two array parameters: workspace ids and user ids.
  var columns: [PostgresValue] { [.uuidArray(map(\.workspace.uuid)), .uuidArray(map(\.id.uuid))] }
}
