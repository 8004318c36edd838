import Models
import SCIM

// Users take a seat when they are enabled; see `SeatLimit`.
extension Decider {
  /// The admission of a user who would take a seat: unchanged if one is free, otherwise the user waits for an admin.
  ///
  /// - Parameters:
  ///   - existing: The stored user; `nil` for a new one.
  ///   - isApproved: Whether an admin has approved that the user gets a seat.
  /// - Throws: 403 if all seats are taken and the policy is to reject.
  func seated(
    _ admission: Admission, over existing: UserRecord?, in workspace: WorkspaceRecord, isApproved: Bool
  ) throws(SCIMError) -> Admission {
    guard let seats = workspace.settings.seats else { return admission }
    // A former person with the record frees a seat first.
    let freed = existing.flatMap { state.users[$0.key] }?.takesSeat == true ? 1 : 0
    let isFull = seatsTaken(in: workspace) - freed >= seats.limit
    switch seats.policy {
    case .reject:
      guard !isFull else { throw .seatsTaken(seatsTaken(in: workspace), seats, in: workspace) }
      return admission
    case .hold:
      // A rejected change stays rejected until the identity provider sends something else.
      let held = existing.flatMap { state.heldChanges[$0.key] }
      let isRejected = held?.kind == .userEnabled && held?.status == .rejected && !isApproved
      return isFull || isRejected ? .waiting(admission.document, for: .userEnabled) : admission
    }
  }

  /// Checks that a seat is free for a user whom an admin enables.
  ///
  /// - Throws: 403 if all seats are taken, whatever the policy.
  func requireSeat(in workspace: WorkspaceRecord) throws(SCIMError) {
    guard let seats = workspace.settings.seats else { return }
    let taken = seatsTaken(in: workspace)
    guard taken < seats.limit else { throw .seatsTaken(taken, seats, in: workspace) }
  }

  private func seatsTaken(in workspace: WorkspaceRecord) -> Int { state.seats[workspace.id] ?? 0 }
}

extension SCIMError {
  fileprivate static func seatsTaken(_ taken: Int, _ seats: SeatLimit, in workspace: WorkspaceRecord) -> SCIMError {
    SCIMError(
      status: 403, scimType: nil,
      detail: """
        All \(seats.limit) seats of this workspace are taken: \(taken) users are invited or active. Nothing was changed. Unassign or disable \
        users who no longer need access, or have the operator raise the limit: \
        scimctl workspace update \(workspace.settings.slug) --seats \(taken + 1).
        """)
  }
}
