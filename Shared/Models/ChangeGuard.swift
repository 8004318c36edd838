/// Which changes of the identity provider are held until an admin has approved them: those that look like a mistake at its end, such as a
/// group that is emptied by a filter, or a directory that was disconnected.
///
/// The identity provider is answered as if the change was made; until it is approved, people stay where they are.
public struct ChangeGuard: Sendable, Hashable, Codable {
  /// The largest share of a group's members that may leave within ``window``, from 0 to 1; nil: any. Replacements of the list, removals of
  /// single members and the deletion of the group count alike.
  public var maximumShrink: Double?
  /// Groups with fewer members than this may shrink as they like.
  public var minimumMembers: Int
  /// The most people that may be disabled or deleted within ``window``; nil: any number.
  public var maximumDeactivations: Int?
  /// Who is mailed when changes begin to wait.
  public var notify: String

  /// The stretch in seconds over which deactivations and departures are counted.
  public static let window = 600.0
  public static let defaultMinimumMembers = 10

  public init(
    maximumShrink: Double? = nil, minimumMembers: Int = defaultMinimumMembers, maximumDeactivations: Int? = nil, notify: String
  ) {
    self.maximumShrink = maximumShrink
    self.minimumMembers = minimumMembers
    self.maximumDeactivations = maximumDeactivations
    self.notify = notify
  }

  /// Whether a change waits for approval by which `leaving` of `members` have left within ``window``.
  public func holds(leaving: Int, of members: Int) -> Bool {
    guard let maximumShrink, members >= minimumMembers, leaving > 0 else { return false }
    return Double(leaving) > maximumShrink * Double(members)
  }

  /// Whether one more deactivation waits for approval, after `recent` within ``window``.
  public func holdsDeactivation(after recent: Int) -> Bool {
    maximumDeactivations.map { recent >= $0 } ?? false
  }

  /// What is wrong with it, in words for the operator; nil where nothing is.
  public var fault: String? {
    if let maximumShrink, !(0...1).contains(maximumShrink) { return "the share of members that may leave is between 0 and 100 percent" }
    if minimumMembers < 0 { return "the number of members from which on a group is guarded is 0 or more" }
    if let maximumDeactivations, maximumDeactivations < 0 { return "the number of deactivations is 0 or more" }
    if maximumShrink == nil, maximumDeactivations == nil { return "it has neither a share of members nor a number of deactivations" }
    let parts = notify.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), !notify.contains(where: { $0.isWhitespace || $0.isNewline }) else {
      return "'\(notify.prefix(80))' is no mail address to tell of held changes"
    }
    return nil
  }
}
