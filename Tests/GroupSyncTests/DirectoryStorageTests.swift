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
    #expect(product.profiles == history.profiles)
    #expect(try await store.log() == store.messages(), "the log has the events of the outbox, in the same order")
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

  @Test("keeps the complete profile, from which the next event gets the old values")
  func profile() async throws {
    let store = try await DirectoryDatabase.start()
    let ana = Fixture.user(1)
    try await store.apply([Fixture.userEvent(ana, .created, .invited, version: 1) { $0.title = "Engineer" }])
    try await store.apply([Fixture.userEvent(ana, .updated, .invited, version: 2) { $0.title = "Director \"x\"" }])
    let events = try await store.log()
    #expect(events.map(\.type) == [.memberInvited, .memberUpdated])
    #expect(events.map(\.sequence) == [1, 2])
    #expect(events.last?.changes == ["title": .init(from: .string("Engineer"), to: .string("Director \"x\""))])
    #expect(events.last?.member?.title == "Director \"x\"" && events.last?.member?.version == 2)
  }

  @Test("notices that a process of an earlier version wrote a row, and completes it without a false event")
  func mixedVersions() async throws {
    let store = try await DirectoryDatabase.start()
    let (ana, ben) = (Fixture.user(1), Fixture.user(2))
    try await store.apply([
      Fixture.userEvent(ana, .created, .active, version: 1) { $0.title = "Engineer" },
      Fixture.userEvent(ben, .created, .active, version: 1) { $0.title = "Engineer" },
    ])
    // What the earlier version writes: it knows no documents.
    for write in [
      "update directory.members set version = 2, role = 'admin' where id = '\(ana)'",
      "update directory.members set version = 2, state = 'deleted', email = null, display_name = null, role = null where id = '\(ben)'",
    ] { _ = try await store.pool.query(Statement(once: "earlier version", write)) }
    let documents = try await store.pool.query(Statement("documents", "select count(document) from directory.members"))
    #expect(try documents.first?.int(0) == 0)

    let published = try await store.messages().count
    try await store.apply([Fixture.userEvent(ana, .restated, .active, version: 2, role: "admin") { $0.title = "Director" }])
    #expect(try await store.messages().count == published)
    try await store.apply([Fixture.userEvent(ana, .updated, .active, version: 3, role: "admin") { $0.title = "Engineer" }])
    #expect(try await store.messages().last?.changes == ["title": .init(from: .string("Director"), to: .string("Engineer"))])
  }

  @Test("numbers the events of each workspace without gaps, also after a batch that failed")
  func sequences() async throws {
    let store = try await DirectoryDatabase.start()
    try await store.apply([Fixture.userEvent(Fixture.user(1), .created, .active, version: 1)])
    await #expect(throws: PostgresError.self) {
      try await store.apply([
        Fixture.userEvent(Fixture.user(2), .created, .active, version: 1),
        Fixture.groupEvent(Fixture.group(1), .created, version: 1, name: "no\u{0}name"),
      ])
    }
    try await store.apply([Fixture.userEvent(Fixture.user(2), .created, .active, version: 1)])
    #expect(try await store.log().map(\.sequence) == [1, 2])
  }

  @Test("stores events whose day has no partition in the default one, and the partition of the day is not added then")
  func defaultPartition() async throws {
    let store = try await DirectoryDatabase.start()
    let partitions = try await store.owner.query(
      Statement("partitions", "select inhrelid::regclass::text from pg_inherits where inhparent = 'directory.events'::regclass"))
    // Today, the next two days, and the default.
    #expect(partitions.count == 4)
    for name in try partitions.map({ try $0.string(0) }) where name != "directory.events_default" {
      _ = try await store.owner.query(Statement(once: "drop", "drop table \(name)"))
    }
    try await store.apply([Fixture.userEvent(Fixture.user(1), .created, .active, version: 1)])
    #expect(try await store.log().count == 1)
    let added = try await store.pool.query(
      Statement("add partitions", "select directory.add_event_partitions((now() at time zone 'UTC')::date, 3)"))
    #expect(try added.first?.int(0) == 2)
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
    #expect(try rows.map { try $0.string(0) } == ["(\(Fixture.workspace),\(ana),deleted,,,,2,)"])
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
    let repaired = try await store.messages().dropFirst(published).map(\.type)
    #expect(repaired.count { $0 == .memberActivated } == 2)
    #expect(repaired.count { $0 == .groupCreated } == 1)
    try await store.apply(restatement)
    #expect(try await store.messages().count == published + repaired.count)
  }
}
