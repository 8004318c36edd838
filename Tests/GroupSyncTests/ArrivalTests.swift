import Models
import TestSupport
import Testing

@testable import GroupSync

@Suite("Events of many users and groups")
struct ArrivalTests {
  @Test("result in the same directory in any order and after any number of deliveries", arguments: UInt64(0)..<300)
  func anyOrder(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let history = History(people: 6, groups: 4, changes: 10, using: &generator)
    var fixture = Fixture()
    for event in history.arrival(using: &generator) { fixture.decider.decide(event) }

    for (group, statuses) in history.statuses { #expect(fixture.statuses(in: group) == statuses) }
    for group in history.deletedGroups.keys { #expect(fixture.members(of: group) == []) }

    var product = Product()
    for published in fixture.decider.published { product.apply(published.event) }
    #expect(product.inconsistencies == [])
    #expect(product.visibleMembers == history.visibleMembers)
    #expect(product.groupNames == history.groupNames)
    #expect(product.profiles == history.profiles)
    let published = fixture.decider.published
    #expect(Set(published.map(\.event.id)).count == published.count, "event ids are unique")

    // One receipt for each deactivation and each deletion, however often it was delivered.
    let receipts = fixture.decider.receipts
    #expect(Set(receipts.map(\.id)).count == receipts.count)
    let deactivations = published.count { $0.event.type == .accessRevoked && $0.event.reason == .disabled }
    #expect(receipts.count == deactivations + published.count { $0.event.type == .memberDeleted })
  }

  @Test("repair a directory with lost and changed rows when they are published again", arguments: UInt64(0)..<200)
  func restatement(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let history = History(people: 6, groups: 4, changes: 10, using: &generator)
    var fixture = Fixture()
    for event in history.arrival(using: &generator) { fixture.decider.decide(event) }
    fixture.decider = Decider(fixture.decider.directory.damaged(using: &generator))

    let invented = [
      Fixture.userEvent(Fixture.user(99), .deleted, .disabled, version: Restatement.lastVersion),
      Fixture.groupEvent(Fixture.group(99), .deleted, version: Restatement.lastVersion),
    ]
    let restatement = history.restatement(using: &generator) + invented
    for event in restatement { fixture.decider.decide(event) }
    for (group, statuses) in history.statuses {
      #expect(fixture.statuses(in: group) == statuses)
      #expect(fixture.group(group)?.coverage == .complete)
    }
    #expect(fixture.decider.directory.members.values.filter { $0.presence != .deleted }.count == history.people.count)
    #expect(fixture.decider.directory.groups.values.filter { $0.presence != .deleted }.count == history.groups.count)

    let repaired = fixture.decider.directory
    let published = fixture.decider.published.count
    for event in restatement { fixture.decider.decide(event) }
    #expect(fixture.decider.directory == repaired)
    #expect(fixture.decider.published.count == published, "without differences nothing is published")
  }
}

extension Directory {
  /// The directory with lost, changed and added rows. Versions do not increase.
  fileprivate func damaged(using generator: inout some RandomNumberGenerator) -> Directory {
    var damaged = Directory()
    for var member in members.values.sorted(by: { $0.key < $1.key }) {
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: continue
      case 1: member.presence = .deleted
      case 2:
        member.presence = .present(Member.Profile(state: UserState.allCases.randomElement(using: &generator) ?? .invited, email: "x"))
      default: break
      }
      damaged.load(member)
    }
    let people = members.keys.sorted()
    for var group in groups.values.sorted(by: { $0.key < $1.key }) {
      let choice = Int.random(in: 0..<6, using: &generator)
      if choice == 1 { group.presence = .deleted }
      if choice == 2 { group.presence = .present("changed") }
      if choice != 0 { damaged.load(group) }
      for person in people where memberships.contains(Membership(group.key, person.id)) != (Int.random(in: 0..<4, using: &generator) == 0) {
        damaged.load(Membership(group.key, person.id))
      }
    }
    damaged.load(
      Member(
        key: MemberKey(workspace: Fixture.workspace, id: Fixture.user(99)), version: 12, presence: .present(Member.Profile(state: .active)))
    )
    damaged.load(
      Group(
        key: GroupKey(workspace: Fixture.workspace, id: Fixture.group(99)), position: Group.Position(version: 3, part: 0),
        coverage: .complete,
        presence: .present("invented")))
    damaged.load(Membership(GroupKey(workspace: Fixture.workspace, id: Fixture.group(99)), Fixture.user(99)))
    return damaged
  }
}
