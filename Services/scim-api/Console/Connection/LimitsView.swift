import Models

/// The limits that the operator has set for a workspace: its seats, and what happens to its last administrator.
struct LimitsView: Sendable, Equatable {
  /// How many seats are taken.
  var seats: String
  /// What happens to people beyond the limit; nil without a limit.
  var beyond: String?
  /// What happens if nobody active would have the role admin.
  var lastAdmin: String
  var seatsCommand: String
  var guardCommand: String?

  init(_ settings: WorkspaceSettings, seatsTaken: Int) {
    if let limit = settings.seats {
      seats = "\(ConsoleText.number(seatsTaken)) of \(ConsoleText.number(limit.limit)) taken by people who are invited or active"
      beyond =
        switch limit.policy {
        case .reject: "Rejected: the identity provider gets an error that names the limit"
        case .hold: "Stored as disabled until an admin approves them under Held changes"
        }
    } else {
      seats = "\(ConsoleText.number(seatsTaken)) taken; the workspace has no limit"
    }
    let isHeld = settings.changeGuard?.holdsLastAdmin == true
    lastAdmin =
      isHeld
      ? "A change after which nobody active has the role admin waits for approval under Held changes"
      : "A change after which nobody active has the role admin is applied and reported by mail"
    seatsCommand = "scimctl workspace update \(settings.slug) --seats 100 --seats-policy hold"
    guardCommand = isHeld ? nil : "scimctl workspace guard set \(settings.slug) --hold-last-admin --notify admin@example.com"
  }
}
