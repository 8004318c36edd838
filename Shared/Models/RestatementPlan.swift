/// Groups with their members cut into commands that are each about as much work as the next.
public struct RestatementPlan: Sendable, Equatable {
  /// The most members of one command, more or less: what one transaction reads and publishes.
  public static let members = 2000
  /// The most groups of one command.
  public static let groups = 200

  public private(set) var pieces: [Restatement] = []
  private var budget = 0

  public init() {}

  /// - Parameters:
  ///   - cuts: Ids of members, sorted, each so many behind the last that the members between two fit an event.
  ///   - count: How many members there are.
  public mutating func add(_ group: GroupID, cuts: [UserID], count: Int) {
    let bounds = [nil] + cuts.map(Optional.some) + [nil]
    for (after, through) in zip(bounds, bounds.dropFirst()) {
      let members = min(count, GroupChanged.maximumMembersPerEvent)
      if pieces.isEmpty || budget + members > Self.members || (pieces.last?.groups.count ?? 0) >= Self.groups {
        pieces.append(Restatement())
        budget = 0
      }
      budget += members
      pieces[pieces.count - 1].groups.append(
        Restatement.GroupPart(group: group, range: MemberRange(after: after, through: through)))
    }
  }
}
