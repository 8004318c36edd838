import Foundation
import Models

@testable import GroupSync

/// A random, consistent history of users and groups, as identity-store would publish it: a list of events per resource.
///
/// Users sign in, are disabled, enabled and deleted. Groups change and are deleted, and others reuse their names. From time to time the
/// current state is restated.
struct History {
  private(set) var streams: [[IdentityEvent]] = []
  /// The users who are not deleted.
  private(set) var people: [UserID: Person] = [:]
  /// The deleted users, with the version of the deletion.
  private(set) var deleted: [UserID: Int64] = [:]
  private(set) var groups: [GroupID: (name: String, version: Int64, members: Set<UserID>)] = [:]
  private(set) var deletedGroups: [GroupID: Int64] = [:]

  /// What the events of a user can change.
  struct Person {
    var state: UserState
    var version: Int64 = 1
    var role = "viewer"
    var title: String?
    var manager: ManagerReference?
    var attributes: [String: JSONValue] = [:]

    fileprivate func event(_ user: UserID, _ change: UserChanged.Change) -> IdentityEvent {
      Fixture.userEvent(user, change, state, version: version, role: role) { user in
        user.title = title
        user.manager = manager
        user.attributes = attributes
      }
    }

    /// Changes one attribute.
    fileprivate mutating func change(using generator: inout some RandomNumberGenerator) {
      switch Int.random(in: 0..<4, using: &generator) {
      case 0: role = "role \(version)"
      case 1: title = title == nil || Bool.random(using: &generator) ? "Title \(version)" : nil
      case 2: manager = manager == nil ? ManagerReference(value: "\(version)") : nil
      default:
        let costCenter: JSONValue = .object(["costCenter": .integer(version), "tags": .array([.string("a"), .bool(true)])])
        attributes = attributes.isEmpty || Bool.random(using: &generator) ? ["urn:example:acme:2.0:User": costCenter] : [:]
      }
    }
  }

  init(people: UInt8, groups: UInt8, changes: Int, using generator: inout some RandomNumberGenerator) {
    let users = (1...people).map(Fixture.user)
    for user in users { makePerson(user, changes: changes, using: &generator) }
    for number in 1...groups {
      let name = "Group \(number)"
      makeGroup(Fixture.group(number), named: name, among: users, changes: changes, using: &generator)
      // Another group reuses the name.
      if deletedGroups[Fixture.group(number)] != nil {
        makeGroup(Fixture.group(number + 100), named: name, among: users, changes: changes, using: &generator)
      }
    }
  }

  /// The final members of each group, by status: the expected directory.
  var statuses: [GroupID: [MembershipStatus: Set<UserID>]] {
    groups.mapValues { group in
      let remaining = group.members.filter { people[$0] != nil }
      return Dictionary(grouping: remaining) { user in
        switch people[user]?.state {
        case .active: .visible
        case .disabled: .held
        case .invited, nil: .pending
        }
      }.mapValues(Set.init)
    }
  }

  /// The final state of each user, as in an event without the version.
  var profiles: [UserID: DirectoryMember] {
    people.reduce(into: [:]) { profiles, person in
      let (id, user) = person
      profiles[id] = DirectoryMember(
        id: id, userName: Fixture.email(of: id), email: Fixture.email(of: id), displayName: "Somebody", role: user.role, state: user.state,
        title: user.title, manager: user.manager, attributes: user.attributes.isEmpty ? nil : user.attributes, version: 0)
    }
  }

  /// The final visible members.
  var visibleMembers: [GroupID: Set<UserID>] { statuses.mapValues { $0[.visible] ?? [] } }

  /// The final names of the groups.
  var groupNames: [GroupID: String] { groups.mapValues(\.name) }

  /// A restatement of the final state: users first, then groups in parts.
  func restatement(using generator: inout some RandomNumberGenerator) -> [IdentityEvent] {
    var events = people.map { $1.event($0, .restated) }
    events += deleted.map { Fixture.userEvent($0, .deleted, .disabled, version: $1) }
    for (id, group) in groups {
      let members = group.members.filter { people[$0] != nil }
      events += Self.restatement(of: id, named: group.name, version: group.version, members, using: &generator)
    }
    return events + deletedGroups.map { Fixture.groupEvent($0, .deleted, version: $1) }
  }

  /// The events in a possible order of arrival: in order per resource, with occasional redeliveries.
  func arrival(using generator: inout some RandomNumberGenerator) -> [IdentityEvent] {
    var next = streams.map { _ in 0 }
    var events: [IdentityEvent] = []
    while let stream = streams.indices.filter({ next[$0] < streams[$0].count }).randomElement(using: &generator) {
      events.append(streams[stream][next[stream]])
      next[stream] += 1
      if Int.random(in: 0..<6, using: &generator) == 0 {
        next[stream] -= Int.random(in: 0...min(3, next[stream]), using: &generator)
      }
    }
    return events
  }

  private mutating func makePerson(_ user: UserID, changes: Int, using generator: inout some RandomNumberGenerator) {
    var person = Person(state: UserState.allCases.randomElement(using: &generator) ?? .invited)
    var events = [person.event(user, .created)]
    for _ in 0..<Int.random(in: 0...changes, using: &generator) {
      if Int.random(in: 0..<6, using: &generator) == 0 {
        events.append(person.event(user, .restated))
        continue
      }
      person.version += 1
      var change = UserChanged.Change.updated
      switch (person.state, Int.random(in: 0..<8, using: &generator)) {
      case (_, 0):
        let deletion = Fixture.userEvent(user, .deleted, .disabled, version: person.version)
        streams.append(events + [deletion] + (Bool.random(using: &generator) ? [deletion] : []))
        deleted[user] = person.version
        return
      case (.invited, 1...4): (person.state, change) = (.active, .activated)
      case (.disabled, 1...5): (person.state, change) = (Bool.random(using: &generator) ? .active : .invited, .enabled)
      case (.active, 1...4), (.invited, 5): (person.state, change) = (.disabled, .disabled)
      default: break
      }
      // A relinked user has other attributes, too.
      if change == .updated || Bool.random(using: &generator) { person.change(using: &generator) }
      events.append(person.event(user, change))
    }
    people[user] = person
    streams.append(events)
  }

  private mutating func makeGroup(
    _ group: GroupID, named name: String, among users: [UserID], changes: Int, using generator: inout some RandomNumberGenerator
  ) {
    var present = Set(users.filter { _ in Bool.random(using: &generator) })
    var name = name
    var version: Int64 = 1
    var events = [Fixture.groupEvent(group, .created, version: 1, name: name, adding: present.sorted())]
    // The ranges of a restatement that are not published yet.
    var ranges: [MemberRange] = []
    for _ in 0..<Int.random(in: 0...changes, using: &generator) {
      if ranges.isEmpty, Int.random(in: 0..<5, using: &generator) == 0 { ranges = Self.ranges(using: &generator) }
      if !ranges.isEmpty, Bool.random(using: &generator) {
        let range = ranges.removeFirst()
        events.append(Fixture.restated(group, version: version, name: name, range, present.filter(range.contains).sorted()))
        continue
      }
      version += 1
      if Int.random(in: 0..<10, using: &generator) == 0 {
        streams.append(events + [Fixture.groupEvent(group, .deleted, version: version, name: name)])
        deletedGroups[group] = version
        return
      }
      if Int.random(in: 0..<4, using: &generator) == 0 { name += "+" }
      let wanted = Set(users.filter { _ in Bool.random(using: &generator) })
      events.append(
        Fixture.groupEvent(group, .updated, version: version, part: 0, name: name, adding: wanted.subtracting(present).sorted()))
      events.append(
        Fixture.groupEvent(group, .updated, version: version, part: 1, name: name, removing: present.subtracting(wanted).sorted()))
      present = wanted
    }
    groups[group] = (name, version, present)
    streams.append(events)
  }

  private static func restatement(
    of group: GroupID, named name: String, version: Int64, _ members: Set<UserID>, using generator: inout some RandomNumberGenerator
  ) -> [IdentityEvent] {
    ranges(using: &generator).map { Fixture.restated(group, version: version, name: name, $0, members.filter($0.contains).sorted()) }
  }

  /// All ids in up to three ranges.
  private static func ranges(using generator: inout some RandomNumberGenerator) -> [MemberRange] {
    let cuts = Set((0..<Int.random(in: 0...2, using: &generator)).map { _ in Fixture.user(.random(in: 1...8, using: &generator)) }).sorted()
    return (0...cuts.count).map { index in
      MemberRange(after: index == 0 ? nil : cuts[index - 1], through: index == cuts.count ? nil : cuts[index])
    }
  }
}
