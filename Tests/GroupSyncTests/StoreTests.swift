import Foundation
import Kafka
import Logging
import Models
import Postgres
import Schema
import TestSupport
import Testing

@testable import group_sync

@Suite("The directory in PostgreSQL")
struct StoreTests {
  @Test("is the one that is decided in memory, whatever the batches", arguments: UInt64(0)..<12)
  func agreement(_ seed: UInt64) async throws {
    let store = try await Store.made()
    var generator = SeededGenerator(seed: seed)
    let history = History(people: 8, groups: 5, changes: 8, using: &generator)
    let arrival = history.arrival(using: &generator)

    var rest = arrival[...]
    while !rest.isEmpty {
      let size = Int.random(in: 1...12, using: &generator)
      try await store.take(Array(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    let product = try await store.product()
    #expect(product.surprises == [])
    #expect(product.shown == history.shown)
    #expect(product.groupNames == history.groupNames)
    #expect(try await store.shown() == history.shown.filter { !$0.value.isEmpty })

    let told = try await store.messages().count
    try await store.take(arrival)
    #expect(try await store.messages().count == told, "what was taken in before changes nothing")
  }

  @Test("tells each membership once, though two replicas take in its two halves at once")
  func replicas() async throws {
    let store = try await Store.made()
    let people = (1...40).map { Bench.user($0) }
    let groups = (1...40).map { Bench.group($0) }
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        for user in people {
          try await store.take([
            Bench.userEvent(user, .created, .invited, version: 1), Bench.userEvent(user, .activated, .active, version: 2),
          ])
        }
      }
      tasks.addTask {
        for group in groups { try await store.take([Bench.groupEvent(group, .created, version: 1, name: "\(group)", adding: people)]) }
      }
      try await tasks.waitForAll()
    }
    let product = try await store.product()
    #expect(product.surprises == [])
    #expect(product.shown == Dictionary(uniqueKeysWithValues: groups.map { ($0, Set(people)) }))
  }

  @Test("keeps a membership while the person is invited or disabled, and shows it while they are active")
  func visibility() async throws {
    let store = try await Store.made()
    let (ana, team) = (Bench.user(1), Bench.group(1))
    try await store.take([Bench.groupEvent(team, .created, version: 1, adding: [ana])])
    #expect(try await store.view() == [[nil, nil, "false"]])
    try await store.take([Bench.userEvent(ana, .created, .invited, version: 1)])
    #expect(try await store.view() == [[Bench.email(of: ana), "invited", "false"]])
    try await store.take([Bench.userEvent(ana, .activated, .active, version: 2)])
    #expect(try await store.view() == [[Bench.email(of: ana), "active", "true"]])
    try await store.take([Bench.userEvent(ana, .disabled, .disabled, version: 3)])
    #expect(try await store.view() == [[Bench.email(of: ana), "disabled", "false"]])
  }

  @Test("has no personal data of whoever was deleted")
  func deletion() async throws {
    let store = try await Store.made()
    let ana = Bench.user(1)
    try await store.take([
      Bench.userEvent(ana, .created, .active, version: 1), Bench.groupEvent(Bench.group(1), .created, version: 1, adding: [ana]),
    ])
    try await store.take([Bench.userEvent(ana, .deleted, .disabled, version: 2)])
    let rows = try await store.pool.query(
      Statement("people", "select m::text from directory.members m union all select s::text from directory.memberships s"))
    #expect(try rows.map { try $0.string(0) } == ["(\(Bench.workspace),\(ana),deleted,,,,2)"])
  }

  @Test("takes in a group of many thousands in one batch, and its end in another")
  func large() async throws {
    let store = try await Store.made()
    let people = (0..<5000).map { _ in UserID.made(at: Bench.time) }
    let team = Bench.group(1)
    try await store.take(people.map { Bench.userEvent($0, .created, .active, version: 1) })
    try await store.take(
      (0..<5).map { part in
        Bench.groupEvent(team, .created, version: 1, part: part, adding: Array(people[part * 1000..<(part + 1) * 1000]))
      })
    #expect(try await store.shown() == [team: Set(people)])
    try await store.take([Bench.groupEvent(team, .deleted, version: 2)])
    #expect(try await store.shown() == [:])
    #expect(try await store.messages().count == 5000 + 1 + 5000 + 5000 + 1)
  }
}
