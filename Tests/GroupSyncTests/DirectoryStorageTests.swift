import Foundation
import Kafka
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import GroupSync

@Suite("The directory in PostgreSQL")
struct DirectoryStorageTests {
  @Test("equals the directory in memory, for any division into batches", arguments: UInt64(0)..<12)
  func agreement(_ seed: UInt64) async throws {
    let store = try await DirectoryDatabase.start()
    var generator = SeededGenerator(seed: seed)
    let history = History(people: 8, groups: 5, changes: 8, using: &generator)
    let arrival = history.arrival(using: &generator)

    var rest = arrival[...]
    while !rest.isEmpty {
      let size = Int.random(in: 1...12, using: &generator)
      try await store.apply(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
      // The counts are maintained with every change, even while users or groups are unknown.
      #expect(try await store.counts() == store.counted())
    }
    let product = try await store.product()
    #expect(product.inconsistencies == [])
    #expect(product.visibleMembers == history.visibleMembers)
    #expect(product.groupNames == history.groupNames)
    #expect(try await store.visibleMembers() == history.visibleMembers.filter { !$0.value.isEmpty })
    let statuses = history.statuses.mapValues { of in [MembershipStatus.visible, .pending, .held].map { of[$0]?.count ?? 0 } }
    #expect(try await store.counts() == statuses.filter { $0.value != [0, 0, 0] })

    let published = try await store.messages().count
    try await store.apply(arrival)
    #expect(try await store.messages().count == published, "redelivered events change nothing")
  }

  @Test("publishes each membership once, even if two replicas apply its two events concurrently")
  func replicas() async throws {
    let store = try await DirectoryDatabase.start()
    let people = (1...40).map { Fixture.user($0) }
    let groups = (1...40).map { Fixture.group($0) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        for user in people {
          try await store.apply([
            Fixture.userEvent(user, .created, .invited, version: 1), Fixture.userEvent(user, .activated, .active, version: 2),
          ])
        }
      }
      tasks.addTask {
        for group in groups { try await store.apply([Fixture.groupEvent(group, .created, version: 1, name: "\(group)", adding: people)]) }
      }
      try await tasks.waitForAll()
    }
    let product = try await store.product()
    #expect(product.inconsistencies == [])
    #expect(product.visibleMembers == Dictionary(uniqueKeysWithValues: groups.map { ($0, Set(people)) }))
    #expect(try await store.counts() == Dictionary(uniqueKeysWithValues: groups.map { ($0, [people.count, 0, 0]) }))
  }

  @Test("keeps a membership while the user is invited or disabled, and shows it while they are active")
  func visibility() async throws {
    let store = try await DirectoryDatabase.start()
    let (ana, team) = (Fixture.user(1), Fixture.group(1))
    try await store.apply([Fixture.groupEvent(team, .created, version: 1, adding: [ana])])
    #expect(try await store.view() == [[nil, nil, "false"]])
    try await store.apply([Fixture.userEvent(ana, .created, .invited, version: 1)])
    #expect(try await store.view() == [[Fixture.email(of: ana), "invited", "false"]])
    try await store.apply([Fixture.userEvent(ana, .activated, .active, version: 2)])
    #expect(try await store.view() == [[Fixture.email(of: ana), "active", "true"]])
    try await store.apply([Fixture.userEvent(ana, .disabled, .disabled, version: 3)])
    #expect(try await store.view() == [[Fixture.email(of: ana), "disabled", "false"]])
  }

  @Test("has no personal data of deleted users")
  func deletion() async throws {
    let store = try await DirectoryDatabase.start()
    let ana = Fixture.user(1)
    try await store.apply([
      Fixture.userEvent(ana, .created, .active, version: 1), Fixture.groupEvent(Fixture.group(1), .created, version: 1, adding: [ana]),
    ])
    try await store.apply([Fixture.userEvent(ana, .deleted, .disabled, version: 2)])
    let rows = try await store.pool.query(
      Statement("people", "select m::text from directory.members m union all select s::text from directory.memberships s"))
    #expect(try rows.map { try $0.string(0) } == ["(\(Fixture.workspace),\(ana),deleted,,,,2)"])
  }

  @Test("applies a group of many thousands in one batch, and its deletion in another")
  func large() async throws {
    let store = try await DirectoryDatabase.start()
    let people = (0..<5000).map { _ in UserID.made(at: Fixture.time) }
    let team = Fixture.group(1)
    try await store.apply(people.map { Fixture.userEvent($0, .created, .active, version: 1) })
    try await store.apply(
      (0..<5).map { part in
        Fixture.groupEvent(team, .created, version: 1, part: part, adding: Array(people[part * 1000..<(part + 1) * 1000]))
      })
    #expect(try await store.visibleMembers() == [team: Set(people)])
    try await store.apply([Fixture.groupEvent(team, .deleted, version: 2)])
    #expect(try await store.visibleMembers() == [:])
    #expect(try await store.counts() == [:])
    #expect(try await store.messages().count == 5000 + 1 + 5000 + 5000 + 1)
  }

  @Test("is repaired by a restatement after rows were lost, changed and added, and publishes only the differences")
  func restatement() async throws {
    let store = try await DirectoryDatabase.start()
    let people = (1...6).map { Fixture.user($0) }
    let (team, other) = (Fixture.group(1), Fixture.group(2))
    try await store.apply(people.map { Fixture.userEvent($0, .created, .active, version: 1) })
    try await store.apply([
      Fixture.groupEvent(team, .created, version: 1, adding: people), Fixture.groupEvent(other, .created, version: 1, adding: people),
    ])
    let published = try await store.messages().count
    let damage = [
      "delete from directory.members where id = '\(people[0])'",
      "update directory.members set state = 'disabled' where id = '\(people[1])'",
      "delete from directory.memberships where group_id = '\(team)' and member_id in ('\(people[2])', '\(people[5])')",
      "insert into directory.memberships values ('\(Fixture.workspace)', '\(team)', '\(Fixture.user(77))')",
      "update directory.groups set complete = false where id = '\(team)'", "delete from directory.groups where id = '\(other)'",
    ]
    for statement in damage {
      _ = try await store.pool.query(Statement(once: "damage", statement))
      // Changes that bypass group-sync are counted as well.
      #expect(try await store.counts() == store.counted(), "\(statement)")
    }
    let restatement =
      people.map { Fixture.userEvent($0, .restated, .active, version: 1) }
      + [team, other].flatMap { group in
        [
          Fixture.restated(group, version: 1, MemberRange(through: people[2]), Array(people[0...2])),
          Fixture.restated(group, version: 1, MemberRange(after: people[2]), Array(people[3...])),
        ]
      }
    for event in restatement { try await store.apply([event]) }
    #expect(try await store.visibleMembers() == [team: Set(people), other: Set(people)])
    #expect(try await store.counts() == [team: [6, 0, 0], other: [6, 0, 0]])
    let groups = try await store.pool.query(
      Statement("coverage", "select complete, restated_through::text from directory.groups order by id"))
    #expect(try groups.map { try $0.bool(0) } == [true, true])
    #expect(try groups.map { try $0.optionalString(1) } == [nil, nil])
    // Published: two users with their memberships in the remaining group, the two lost memberships, and the lost group.
    let repaired = try await store.messages().dropFirst(published).map(\.change)
    #expect(repaired.count { $0 == .memberActivated } == 2)
    #expect(repaired.count { $0 == .groupCreated } == 1)
    try await store.apply(restatement)
    #expect(try await store.messages().count == published + repaired.count)
  }
}
