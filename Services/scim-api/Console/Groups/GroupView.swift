import EdgeHTTP
import EdgeReads
import Models

/// The view model of a group's page.
struct GroupView: Sendable, Equatable {
  var name: String
  var id: String
  var externalID: String?
  var createdAt: String
  var changedAt: String
  /// Whether the product's directory has not processed all changes of the group yet.
  var isBehind: Bool
  var tabs: [Tab]
  var held: HeldChange?
  /// Explains the membership status of the listed members.
  var explanation: String
  var members: [Row]
  /// Whether the list shows members who are not visible, with reasons.
  var showsReasons: Bool
  /// Replaces the list if it is empty.
  var emptyMessage: String?
  var pager: Pager?

  /// The members with one membership status.
  struct Tab: Sendable, Equatable {
    var name: String
    var path: String
    var count: String
    var isCurrent: Bool
  }

  /// A change that waits for approval.
  struct HeldChange: Sendable, Equatable {
    var description: String
    var at: String
  }

  /// A member in the list.
  struct Row: Sendable, Equatable {
    var path: String
    /// The display name, or the address, or the id.
    var name: String
    var email: String?
    var role: String?
    /// Why the member is not visible.
    var reason: String?
  }

  /// - Parameter next: the cursor of the next page.
  init(_ group: GroupDetails, status: MembershipStatus, members: [GroupMember], isFirst: Bool, next: String?) {
    name = group.name
    id = "\(group.id)"
    externalID = group.externalID
    createdAt = Timestamp.text(group.createdAt)
    changedAt = Timestamp.text(group.modifiedAt)
    isBehind = group.counts == nil
    let counts = group.counts ?? MembershipStatusCounts()
    let path = GroupsController.path(of: group.id)
    tabs = MembershipStatus.allCases.map { each in
      Tab(
        name: each.title, path: "\(path)?state=\(each.rawValue)", count: ConsoleText.number(counts[each]), isCurrent: each == status)
    }
    held = group.held.map { HeldChange(description: Self.description(of: $0), at: Timestamp.text($0.heldAt)) }
    explanation = Self.explanation(of: status)
    showsReasons = status != .visible
    self.members = members.map { member in
      Row(
        path: "\(ConsoleSection.members.path)/\(member.id)", name: member.displayName ?? member.email ?? "\(member.id)",
        email: member.displayName == nil ? nil : member.email, role: member.role, reason: Self.reason(for: member))
    }
    emptyMessage = members.isEmpty ? Self.emptyMessage(status, counts, isFirst: isFirst) : nil
    let list = "\(path)?state=\(status.rawValue)"
    pager = Pager(ifNeeded: isFirst ? nil : list, next: next.map { "\(list)&cursor=\($0)" })
  }

  private static func explanation(of status: MembershipStatus) -> String {
    switch status {
    case .visible: "The product shows these people in the group."
    case .pending: "The identity provider has added these people to the group; the product does not show them yet."
    case .held: "These people are disabled. The product shows them in the group again as soon as they are enabled."
    }
  }

  /// Why the product does not show a member; nil if it does.
  static func reason(for member: GroupMember) -> String? {
    switch member.state {
    case .active: nil
    case .invited: "Invited, and has not signed in yet: visible after the first sign-in."
    case .disabled: "Disabled by the identity provider: visible again once it enables them."
    case nil: "Added to the group before their own data arrived, which usually takes a moment."
    }
  }

  private static func emptyMessage(_ status: MembershipStatus, _ counts: MembershipStatusCounts, isFirst: Bool) -> String {
    guard isFirst else { return "There are no more." }
    switch status {
    case .visible where counts.pending > 0:
      let people = counts.pending == 1 ? "1 person waits" : "\(ConsoleText.number(counts.pending)) people wait"
      return "Nobody is visible yet: \(people) for a first sign-in. See Pending."
    case .visible: return "The product shows nobody in this group. Its members are assigned in the identity provider."
    case .pending: return "Nobody is pending: all enabled members of the group are visible."
    case .held: return "Nobody in the group is disabled."
    }
  }

  private static func description(of held: HeldGroupChange) -> String {
    if held.isDeletion { return "The identity provider wants to delete this group." }
    let leaving = ConsoleText.count(held.leaving, "member", "members")
    return held.members.map { "The identity provider wants to remove \(leaving) of \(ConsoleText.number($0)) from this group." }
      ?? "The identity provider wants to remove \(leaving) from this group."
  }
}

extension MembershipStatus {
  /// The name on the pages.
  var title: String { rawValue.capitalisedFirst }
}
