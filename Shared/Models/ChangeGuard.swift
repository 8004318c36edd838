/// A policy that holds suspicious changes of the identity provider until an admin approves them.
///
/// It protects against mistakes in the identity provider, such as a filter that empties a group, or a disconnected directory. The identity
/// provider gets a successful response, but nobody is removed or disabled until an admin approves the change.
public struct ChangeGuard: Sendable, Hashable, Codable {
  /// The largest share of a group's members that may leave within ``window``, from 0 to 1; `nil`: any. Replacing the list, removing single
  /// members and deleting the group all count.
  public var maximumShrink: Double?
  /// Groups with fewer members are not guarded.
  public var minimumMembers: Int
  /// The most users that may be disabled or deleted within ``window``; `nil`: any number.
  public var maximumDeactivations: Int?
  /// Whether a change waits that would leave the workspace without an active user who has the role `admin`.
  public var holdsLastAdmin: Bool
  /// The address that is mailed when changes are held.
  public var notify: String

  /// The sliding window over which deactivations and departures are counted, in seconds.
  public static let window = 600.0
  /// The default of ``minimumMembers``.
  public static let defaultMinimumMembers = 10

  /// Creates a change guard.
  public init(
    maximumShrink: Double? = nil, minimumMembers: Int = defaultMinimumMembers, maximumDeactivations: Int? = nil,
    holdsLastAdmin: Bool = false, notify: String
  ) {
    self.maximumShrink = maximumShrink
    self.minimumMembers = minimumMembers
    self.maximumDeactivations = maximumDeactivations
    self.holdsLastAdmin = holdsLastAdmin
    self.notify = notify
  }

  /// Whether a change is held after which `leaving` of `members` have left within ``window``.
  public func holds(leaving: Int, of members: Int) -> Bool {
    guard let maximumShrink, members >= minimumMembers, leaving > 0 else { return false }
    return Double(leaving) > maximumShrink * Double(members)
  }

  /// Whether one more deactivation is held, after `recent` within ``window``.
  public func holdsDeactivation(after recent: Int) -> Bool {
    maximumDeactivations.map { recent >= $0 } ?? false
  }

  /// Why the policy is invalid, as a clause for the operator; `nil` if it is valid.
  public var fault: String? {
    if let maximumShrink, !(0...1).contains(maximumShrink) { return "the share of members that may leave is between 0 and 100 percent" }
    if minimumMembers < 0 { return "the number of members from which on a group is guarded is 0 or more" }
    if let maximumDeactivations, maximumDeactivations < 0 { return "the number of deactivations is 0 or more" }
    if maximumShrink == nil, maximumDeactivations == nil, !holdsLastAdmin {
      return "it has neither a share of members nor a number of deactivations, and does not hold the loss of the last admin"
    }
    let parts = notify.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), !notify.contains(where: { $0.isWhitespace || $0.isNewline }) else {
      return "'\(notify.prefix(80))' is not a mail address for notices of held changes"
    }
    return nil
  }
}

extension ChangeGuard {
  /// Decodes the JSON form. `holdsLastAdmin` may be missing in stored settings.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      maximumShrink: try container.decodeIfPresent(Double.self, forKey: .maximumShrink),
      minimumMembers: try container.decode(Int.self, forKey: .minimumMembers),
      maximumDeactivations: try container.decodeIfPresent(Int.self, forKey: .maximumDeactivations),
      holdsLastAdmin: try container.decodeIfPresent(Bool.self, forKey: .holdsLastAdmin) ?? false,
      notify: try container.decode(String.self, forKey: .notify))
  }
}
