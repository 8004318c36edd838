import Foundation
import Models

@testable import group_sync

/// A random, consistent history of people and groups, as identity-store would tell it: one list of events a resource.
struct History {
  private(set) var streams: [[IdentityEvent]] = []
  /// Who is alive in the end, by state.
  private var states: [UserID: UserState] = [:]
  private var members: [GroupID: Set<UserID>] = [:]
  private var names: [GroupID: String] = [:]

  init(people: UInt8, groups: UInt8, changes: Int, using generator: inout some RandomNumberGenerator) {
    let users = (1...people).map(Bench.user)
    for user in users { makePerson(user, changes: changes, using: &generator) }
    for number in 1...groups { makeGroup(Bench.group(number), among: users, changes: changes, using: &generator) }
  }

  /// Whom the product is to show, in the end.
  var shown: [GroupID: Set<UserID>] {
    names.reduce(into: [:]) { shown, group in
      shown[group.key] = members[group.key, default: []].filter { states[$0] == .active }
    }
  }

  /// The names of the groups in the end.
  var groupNames: [GroupID: String] { names }

  /// The events in an order in which they may arrive: that of each resource is kept, and the reader goes back a little now and then.
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
    var state = UserState.allCases.randomElement(using: &generator) ?? .invited
    var events = [Bench.userEvent(user, .created, state, version: 1)]
    for version in 0..<Int.random(in: 0...changes, using: &generator) {
      let version = Int64(version) + 2
      switch (state, Int.random(in: 0..<8, using: &generator)) {
      case (_, 0):
        events.append(Bench.userEvent(user, .deleted, .disabled, version: version))
        streams.append(events)
        return
      case (.invited, 1...4):
        state = .active
        events.append(Bench.userEvent(user, .activated, state, version: version))
      case (.disabled, 1...5):
        state = Bool.random(using: &generator) ? .active : .invited
        events.append(Bench.userEvent(user, .enabled, state, version: version))
      case (.active, 1...4), (.invited, 5):
        state = .disabled
        events.append(Bench.userEvent(user, .disabled, state, version: version))
      default:
        events.append(Bench.userEvent(user, .updated, state, version: version, role: "role \(version)"))
      }
    }
    states[user] = state
    streams.append(events)
  }

  private mutating func makeGroup(
    _ group: GroupID, among users: [UserID], changes: Int, using generator: inout some RandomNumberGenerator
  ) {
    var present = Set(users.filter { _ in Bool.random(using: &generator) })
    var name = "Group \(group.bytes.last ?? 0)"
    var events = [Bench.groupEvent(group, .created, version: 1, name: name, adding: present.sorted())]
    for version in 0..<Int.random(in: 0...changes, using: &generator) {
      let version = Int64(version) + 2
      if Int.random(in: 0..<10, using: &generator) == 0 {
        streams.append(events + [Bench.groupEvent(group, .deleted, version: version, name: name)])
        return
      }
      if Int.random(in: 0..<4, using: &generator) == 0 { name += "+" }
      let wanted = Set(users.filter { _ in Bool.random(using: &generator) })
      events.append(Bench.groupEvent(group, .updated, version: version, part: 0, name: name, adding: wanted.subtracting(present).sorted()))
      events.append(
        Bench.groupEvent(group, .updated, version: version, part: 1, name: name, removing: present.subtracting(wanted).sorted()))
      present = wanted
    }
    members[group] = present
    names[group] = name
    streams.append(events)
  }
}

/// What the product knows, from what it was told alone.
struct Product {
  private(set) var shown: [GroupID: Set<UserID>] = [:]
  private(set) var groupNames: [GroupID: String] = [:]
  private(set) var active: Set<UserID> = []
  /// What was told though it was known, or of something unknown.
  private(set) var surprises: [String] = []

  mutating func hear(_ event: DirectoryEvent) {
    switch event.change {
    case .memberActivated: expect(event.member.map { active.insert($0).inserted } ?? false, event)
    case .memberDisabled, .memberDeleted: event.member.map { _ = active.remove($0) }
    case .roleChanged: expect(event.member.map(active.contains) ?? false, event)
    case .groupCreated, .groupRenamed:
      guard let group = event.group, let name = event.displayName else { return expect(false, event) }
      expect((groupNames[group] == nil) == (event.change == .groupCreated) && groupNames[group] != name, event)
      groupNames[group] = name
      if event.change == .groupCreated { shown[group] = [] }
    case .groupDeleted:
      guard let group = event.group else { return expect(false, event) }
      expect(shown[group] == [], event)
      shown[group] = nil
      groupNames[group] = nil
    case .membershipAdded, .membershipRemoved:
      guard let group = event.group, let member = event.member else { return expect(false, event) }
      if event.change == .membershipAdded {
        expect(active.contains(member) && shown[group]?.insert(member).inserted == true, event)
      } else {
        expect(shown[group]?.remove(member) != nil, event)
      }
    }
  }

  private mutating func expect(_ condition: Bool, _ event: DirectoryEvent) {
    if !condition { surprises.append("\(event)") }
  }
}
