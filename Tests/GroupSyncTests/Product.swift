import Models

/// A model of the product: its state after receiving the published events.
struct Product {
  /// The members, as their last event has them.
  private(set) var members: [UserID: DirectoryMember] = [:]
  private(set) var visibleMembers: [GroupID: Set<UserID>] = [:]
  private(set) var groupNames: [GroupID: String] = [:]
  /// Users whose sessions have ended since they were last active.
  private(set) var ended: Set<UserID> = []
  /// The sequence of the last event.
  private(set) var sequence: Int64 = 0
  /// Events that repeat known state, refer to unknown resources, come too late, or are not the next in sequence.
  private(set) var inconsistencies: [String] = []

  /// The members without their versions, since changes of other attributes are not published.
  var profiles: [UserID: DirectoryMember] {
    members.mapValues { member in
      var profile = member
      profile.version = 0
      return profile
    }
  }

  mutating func apply(_ event: DirectoryEvent) {
    expect(event.sequence == sequence + 1, event)
    sequence = event.sequence ?? sequence
    switch event.type {
    case .memberInvited, .memberUpdated, .memberActivated, .memberDisabled, .memberDeleted, .memberRoleChanged, .accessRevoked:
      applyToMember(event)
    case .groupCreated, .groupUpdated, .groupDeleted: applyToGroup(event)
    case .groupMemberAdded, .groupMemberRemoved: applyToMembership(event)
    case .workspaceSeatsWarning, .workspaceSeatsExhausted, .workspaceNoActiveAdmin: expect(event.member == nil && event.group == nil, event)
    }
  }

  private mutating func applyToMember(_ event: DirectoryEvent) {
    guard let member = event.member, event.group == nil else { return expect(false, event) }
    let before = members[member.id]
    if let version = before?.version { expect(member.version >= version, event) }
    switch event.type {
    case .accessRevoked:
      // Published once, before any other event of the change.
      expect(event.reason != nil && ended.insert(member.id).inserted, event)
      return
    case .memberInvited:
      expect(member.state == .invited && before?.state != .invited, event)
      ended.remove(member.id)
    case .memberActivated:
      expect(member.state == .active && before?.state != .active, event)
      ended.remove(member.id)
    case .memberDisabled:
      expect(member.state == .disabled && before?.state != .disabled, event)
      expect(before == nil || ended.contains(member.id), event)
      // The access of a user who is enabled again can be revoked again.
      ended.remove(member.id)
    case .memberDeleted:
      expect(before?.state == .disabled || ended.contains(member.id), event)
      expect(member == DirectoryMember(id: member.id, version: member.version), event)
      ended.remove(member.id)
      members[member.id] = nil
      return
    case .memberUpdated, .memberRoleChanged: expect(member.state == before?.state && hasChanged(event), event)
    default: break
    }
    members[member.id] = member
  }

  /// Whether each change has the value of the member, and another one before.
  private func hasChanged(_ event: DirectoryEvent) -> Bool {
    guard let changes = event.changes, !changes.isEmpty, let member = event.member else { return false }
    return changes.allSatisfy { name, change in change.from != change.to && (name != "role" || change.to == JSONValue(member.role)) }
  }

  private mutating func applyToGroup(_ event: DirectoryEvent) {
    guard let group = event.group, event.member == nil else { return expect(false, event) }
    guard event.type != .groupDeleted else {
      expect(visibleMembers[group.id] == [] && group.displayName == nil, event)
      visibleMembers[group.id] = nil
      groupNames[group.id] = nil
      return
    }
    guard let name = group.displayName else { return expect(false, event) }
    expect((groupNames[group.id] == nil) == (event.type == .groupCreated) && groupNames[group.id] != name, event)
    if event.type == .groupUpdated {
      expect(event.changes == ["displayName": .init(from: JSONValue(groupNames[group.id]), to: .string(name))], event)
    }
    groupNames[group.id] = name
    if event.type == .groupCreated { visibleMembers[group.id] = [] }
  }

  private mutating func applyToMembership(_ event: DirectoryEvent) {
    guard let group = event.group, let member = event.member else { return expect(false, event) }
    expect(group.displayName == nil && member == DirectoryMember(id: member.id, version: member.version), event)
    if event.type == .groupMemberAdded {
      expect(members[member.id]?.state == .active && visibleMembers[group.id]?.insert(member.id).inserted == true, event)
    } else {
      expect(visibleMembers[group.id]?.remove(member.id) != nil, event)
    }
  }

  private mutating func expect(_ condition: Bool, _ event: DirectoryEvent) {
    if !condition { inconsistencies.append("\(event)") }
  }
}
