import Foundation
import Models

@testable import GroupSync

/// A decider with an empty directory, and builders for events.
struct Fixture {
  static let workspace = WorkspaceID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)))
  static let time = Date(timeIntervalSince1970: 1_700_000_000)

  var decider = Decider(Directory())

  static func user(_ number: UInt8) -> UserID {
    UserID(UUID(uuid: (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number)))
  }

  static func group(_ number: UInt8) -> GroupID {
    GroupID(UUID(uuid: (3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number)))
  }

  static func userEvent(
    _ user: UserID, _ change: UserChanged.Change, _ state: UserState, version: Int64, role: String = "viewer",
    _ profile: (inout UserSnapshot) -> Void = { _ in }
  ) -> IdentityEvent {
    var snapshot = UserSnapshot(id: user, state: .disabled)
    if change != .deleted {
      snapshot = UserSnapshot(
        id: user, state: state, userName: email(of: user), displayName: "Somebody", email: email(of: user), role: role, attributes: [:])
      profile(&snapshot)
    }
    return .userChanged(UserChanged(workspace: workspace, user: snapshot, change: change, version: version, changedAt: time))
  }

  /// The event as a version of identity-store sends it that knows fewer attributes.
  static func formerUserEvent(
    _ user: UserID, _ change: UserChanged.Change, _ state: UserState, version: Int64, role: String = "viewer"
  ) -> IdentityEvent {
    userEvent(user, change, state, version: version, role: role) { $0.attributes = nil }
  }

  static func groupEvent(
    _ group: GroupID, _ change: GroupChanged.Change, version: Int64, part: Int = 0, name: String = "Data team",
    adding added: [UserID] = [], removing removed: [UserID] = []
  ) -> IdentityEvent {
    .groupChanged(
      GroupChanged(
        workspace: workspace, group: group, displayName: name, externalID: nil, change: change, version: version, part: part,
        addedMembers: added, removedMembers: removed, changedAt: time))
  }

  /// A restatement of the members of a group in a range.
  static func restated(
    _ group: GroupID, version: Int64, name: String = "Data team", _ range: MemberRange = MemberRange(), _ members: [UserID]
  ) -> IdentityEvent {
    .groupChanged(
      GroupChanged(
        workspace: workspace, group: group, displayName: name, externalID: nil, change: .restated, version: version, part: 0,
        addedMembers: members, removedMembers: [], range: range, changedAt: time))
  }

  static func email(of user: UserID) -> String { "\(user.bytes.last ?? 0)@example.com" }

  /// Applies the events and returns the changes that are published because of them.
  @discardableResult
  mutating func apply(_ events: IdentityEvent...) -> [PublishedChange] {
    let before = decider.published.count
    for event in events { decider.decide(event) }
    return decider.published[before...].map(PublishedChange.init)
  }

  /// All members of the group, visible or not.
  func members(of group: GroupID) -> [UserID] {
    decider.directory.memberships.members(of: GroupKey(workspace: Self.workspace, id: group))
  }

  /// The visible members of the group.
  func visibleMembers(in group: GroupID) -> [UserID] {
    members(of: group).filter { member($0)?.isVisible == true }
  }

  /// All members of the group, by status.
  func statuses(in group: GroupID) -> [MembershipStatus: Set<UserID>] {
    Dictionary(grouping: members(of: group)) { user in
      switch member(user)?.presence.content?.state {
      case .active: .visible
      case .disabled: .held
      case .invited, nil: .pending
      }
    }.mapValues(Set.init)
  }

  func member(_ user: UserID) -> Member? { decider.directory.members[MemberKey(workspace: Self.workspace, id: user)] }
  func group(_ group: GroupID) -> Group? { decider.directory.groups[GroupKey(workspace: Self.workspace, id: group)] }
}

/// A published event, reduced to its type, member and group.
struct PublishedChange: Hashable, CustomStringConvertible {
  var type: DirectoryEvent.Kind
  var member: UserID?
  var group: GroupID?

  init(_ type: DirectoryEvent.Kind, _ member: UserID? = nil, in group: GroupID? = nil) {
    self.type = type
    self.member = member
    self.group = group
  }

  init(_ published: Decider.PublishedEvent) {
    self.init(published.event.type, published.event.member?.id, in: published.event.group?.id)
  }

  var description: String {
    [type.rawValue, member.map { "\($0.bytes.last ?? 0)" }, group.map { "in \($0.bytes.last ?? 0)" }].compactMap { $0 }
      .joined(separator: " ")
  }
}

/// The status of a membership.
enum MembershipStatus: String, Sendable, Hashable, CaseIterable {
  case visible, pending, held
}

extension IdentityEvent {
  /// The event as consumers receive it if it is too large for its topic.
  func withoutLargeFields() throws -> IdentityEvent {
    let event = try cloudEvent(id: identity, source: "identity-store/0", time: Fixture.time, traceparent: nil).withoutLargeFields()
    return try event.map { try IdentityEvent($0) } ?? self
  }
}
