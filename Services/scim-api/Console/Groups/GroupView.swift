import EdgeHTTP
import EdgeReads
import Models

/// What a group's page shows.
struct GroupView: Sendable, Equatable {
  var name: String
  var id: String
  var externalID: String?
  var createdAt: String
  var changedAt: String
  /// The directory has not taken all of it in yet.
  var isBehind: Bool
  var tabs: [Tab]
  var held: Held?
  /// What it means to be in the list that is shown.
  var meaning: String
  var members: [Line]
  var isWaiting: Bool
  var nobody: String?
  var pager: GroupsView.Pager?

  struct Tab: Sendable, Equatable {
    var name: String
    var path: String
    var count: String
    var isCurrent: Bool
  }

  struct Held: Sendable, Equatable {
    var words: String
    var at: String
  }

  struct Line: Sendable, Equatable {
    var path: String
    /// Name, else address, else id.
    var name: String
    var email: String?
    var role: String?
    /// What for the person waits.
    var why: String?
  }

  init(_ facts: GroupDetails, standing: MembershipStatus, members: [DirectoryMember], isFirst: Bool, next: String?) {
    name = facts.name
    id = "\(facts.id)"
    externalID = facts.externalID
    createdAt = Timestamp.text(facts.createdAt)
    changedAt = Timestamp.text(facts.modifiedAt)
    isBehind = facts.counts == nil
    let counts = facts.counts ?? MembershipStatusCounts()
    let path = GroupPage.path(of: facts.id)
    tabs = MembershipStatus.allCases.map { each in
      Tab(
        name: Self.name(of: each), path: "\(path)?state=\(each.rawValue)", count: GroupsView.text(counts[each]), isCurrent: each == standing
      )
    }
    held = facts.held.map { Held(words: Self.words($0), at: Timestamp.text($0.heldAt)) }
    meaning = Self.meaning(of: standing)
    isWaiting = standing != .visible
    self.members = members.map { member in
      Line(
        path: "\(Console.path)/members/\(member.id)", name: member.displayName ?? member.email ?? "\(member.id)",
        email: member.displayName == nil ? nil : member.email, role: member.role, why: Self.why(member))
    }
    nobody = members.isEmpty ? Self.nobody(standing, counts, isFirst: isFirst) : nil
    if !isFirst || next != nil {
      let list = "\(path)?state=\(standing.rawValue)"
      pager = GroupsView.Pager(first: isFirst ? nil : list, next: next.map { "\(list)&cursor=\($0)" })
    }
  }

  private static func name(of standing: MembershipStatus) -> String {
    switch standing {
    case .visible: "Visible"
    case .pending: "Pending"
    case .held: "Held"
    }
  }

  private static func meaning(of standing: MembershipStatus) -> String {
    switch standing {
    case .visible: "The product shows these people in the group."
    case .pending: "The identity provider has put these people in the group; the product does not show them there yet."
    case .held: "These people are disabled. They are out of the group in the product, and back in it as soon as they are enabled."
    }
  }

  /// Why the product does not show the member; nil where it does.
  static func why(_ member: DirectoryMember) -> String? {
    switch member.state {
    case .active: nil
    case .invited: "Invited, and has not signed in yet: visible from the first sign-in on."
    case .disabled: "Disabled by the identity provider: visible again once it enables them."
    case nil: "Put in the group before their own data came, which usually takes a moment."
    }
  }

  private static func nobody(_ standing: MembershipStatus, _ counts: MembershipStatusCounts, isFirst: Bool) -> String {
    guard isFirst else { return "There are no more." }
    switch standing {
    case .visible where counts.pending > 0:
      return "Nobody is visible yet: \(people(counts.pending)) for a first sign-in. See Pending."
    case .visible: return "The product shows nobody in this group. Its members are assigned in the identity provider."
    case .pending: return "Nobody waits: everybody in the group who may be seen is visible."
    case .held: return "Nobody in the group is disabled."
    }
  }

  private static func people(_ count: Int) -> String { count == 1 ? "1 person waits" : "\(GroupsView.text(count)) people wait" }

  private static func words(_ held: HeldGroupChange) -> String {
    if held.isDeletion { return "The identity provider wants to delete this group." }
    let leaving = held.leaving == 1 ? "1 member" : "\(GroupsView.text(held.leaving)) members"
    return held.members.map { "The identity provider wants to take \(leaving) of \(GroupsView.text($0)) out of this group." }
      ?? "The identity provider wants to take \(leaving) out of this group."
  }
}
