import Foundation

/// A condition of a workspace that its administrators should know. Published on `identity.events`, so that they are mailed.
public struct WorkspaceAlert: Sendable, Hashable, Codable {
  /// The command that caused it, so that an alert that is delivered twice is mailed once.
  public var command: CommandID
  /// The workspace of the event.
  public var workspace: WorkspaceID
  /// What is reported.
  public var kind: Kind
  /// The seats taken; `nil` for ``Kind/noActiveAdmin``.
  public var seats: Seats?
  /// The last active admin; `nil` for seats.
  public var user: UserID?
  /// When the condition began.
  public var occurredAt: Date

  /// Creates the event.
  public init(
    command: CommandID, workspace: WorkspaceID, kind: Kind, seats: Seats? = nil, user: UserID? = nil, occurredAt: Date
  ) {
    self.command = command
    self.workspace = workspace
    self.kind = kind
    self.seats = seats
    self.user = user
    self.occurredAt = occurredAt
  }

  /// What is reported.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// ``SeatLimit/warningPercentage`` of the seats are taken.
    case seatsWarning = "seats-warning"
    /// All seats are taken.
    case seatsExhausted = "seats-exhausted"
    /// No active user has the role `admin` any more.
    case noActiveAdmin = "no-active-admin"

    /// The CloudEvents type, such as `rollcall.workspace.seats-warning.v1`.
    var eventType: String { "rollcall.workspace.\(rawValue).v1" }
  }

  /// How many seats are taken.
  public struct Seats: Sendable, Hashable, Codable {
    /// The number of users who are invited or active.
    public var used: Int
    /// The seat limit.
    public var limit: Int

    /// Creates the counts.
    public init(used: Int, limit: Int) {
      self.used = used
      self.limit = limit
    }
  }
}
