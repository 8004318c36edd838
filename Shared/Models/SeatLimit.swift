/// The number of seats of a workspace. Users who are invited or active take one each, disabled users none.
public struct SeatLimit: Sendable, Hashable, Codable {
  /// The number of seats.
  public var limit: Int
  /// What happens to a user who would take a seat beyond ``limit``.
  public var policy: Policy

  /// Creates a seat limit.
  public init(limit: Int, policy: Policy = .reject) {
    self.limit = limit
    self.policy = policy
  }

  /// What happens to a user who would take a seat beyond the limit.
  public enum Policy: String, Sendable, Hashable, Codable, CaseIterable {
    /// The request is rejected with 403 and changes nothing.
    case reject
    /// The user is stored as disabled, and waits for the approval of an admin; see ``HeldChangeKind/userEnabled``.
    case hold
  }

  /// The largest ``limit``.
  public static let maximum = 10_000_000

  /// The share of the seats, in percent, that is reported before all are taken.
  public static let warningPercentage = 90

  /// Why the limit is invalid, as a clause for the operator; `nil` if it is valid.
  public var fault: String? {
    (1...Self.maximum).contains(limit) ? nil : "the number of seats is 1 to \(Self.maximum), found \(limit)"
  }

  /// What is reported when the seats taken change from `former` of a former limit to `used` of this one: only what was not reached before.
  ///
  /// - Parameter earlier: The limit before the change; `nil` if there was none.
  public func alert(for used: Int, after former: Int, of earlier: SeatLimit?) -> WorkspaceAlert.Kind? {
    let level = level(of: used)
    guard level > (earlier?.level(of: former) ?? .available) else { return nil }
    return level == .exhausted ? .seatsExhausted : .seatsWarning
  }

  private enum Level: Int, Comparable {
    case available, warning, exhausted
    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  private func level(of used: Int) -> Level {
    if used >= limit { return .exhausted }
    return used * 100 >= limit * Self.warningPercentage ? .warning : .available
  }
}

extension SeatLimit {
  /// Decodes the JSON form. Without a policy, users beyond the limit are rejected.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      limit: try container.decode(Int.self, forKey: .limit),
      policy: try container.decodeIfPresent(Policy.self, forKey: .policy) ?? .reject)
  }
}
