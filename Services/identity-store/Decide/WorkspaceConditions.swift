import Foundation
import Models

/// The conditions of a workspace that administrators are told about when a command changes them: its seats, and its last active admin.
struct WorkspaceConditions: Sendable, Equatable {
  private let workspace: WorkspaceID
  private let limit: SeatLimit?
  /// The seats taken; `nil` if no command of the batch needs to know.
  private let taken: Int?
  /// An active admin; `nil` if there is none, or if there may be others that the batch has not loaded.
  private let admin: UserID?

  /// Returns `nil` if the batch has no command that can change a condition.
  init?(of workspace: WorkspaceID, in state: WorkingSet) {
    guard state.seats[workspace] != nil || state.hasOtherAdmins[workspace] != nil else { return nil }
    self.workspace = workspace
    limit = state.workspaces[workspace]?.settings.seats
    taken = state.seats[workspace]
    admin = state.onlyAdmin(of: workspace)
  }

  /// The alerts for what `command` has changed since `before`.
  func alerts(since before: WorkspaceConditions, by command: Command, at now: Date) -> [WorkspaceAlert] {
    var alerts: [WorkspaceAlert] = []
    if let limit, let taken, let kind = limit.alert(for: taken, after: before.taken ?? 0, of: before.limit) {
      alerts.append(
        WorkspaceAlert(
          command: command.id, workspace: workspace, kind: kind, seats: WorkspaceAlert.Seats(used: taken, limit: limit.limit),
          occurredAt: now))
    }
    if let lost = before.admin, admin == nil {
      alerts.append(
        WorkspaceAlert(command: command.id, workspace: workspace, kind: .noActiveAdmin, user: lost, occurredAt: now))
    }
    return alerts
  }
}
