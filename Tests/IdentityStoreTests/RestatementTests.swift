import Foundation
import Models
import TestSupport
import Testing

@testable import IdentityStore

@Suite("State is republished", .timeLimit(.minutes(10)))
struct RestatementTests {
  @Test("with the current version, deletions included")
  func people() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, ben, nobody) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([
      store.createUser("ana@example.com", on: ana), store.createUser("ben@example.com", on: ben),
      store.command(.patchUser(patch: Fixture().patch(#"{"op":"replace","path":"active","value":false}"#)), on: ana),
      store.command(.deleteUser, on: ben),
    ])
    let events = try await restated(Restatement(workspace: true, users: [ana.user, ben.user, nobody.user]), in: store)
    #expect(events.count == 4)
    let changes = events.compactMap { if case .userChanged(let change) = $0 { change } else { nil } }
    #expect(changes.map(\.user.id) == [ana.user, ben.user, nobody.user])
    #expect(changes.map(\.change) == [.restated, .deleted, .deleted])
    #expect(changes.map(\.version) == [2, 2, Restatement.lastVersion])
    #expect(changes[0].user.state == .disabled)
    #expect(changes[0].user.email == "ana@example.com")
    #expect(changes[1].user == UserSnapshot(id: ben.user, state: .disabled))
    guard case .workspaceChanged(let workspace)? = events.first else { throw CocoaError(.coderValueNotFound) }
    #expect(workspace.version == 1)
    #expect(try await store.count("select count(*) from identity.users") == 1)
  }

  @Test("with the data that the mailer needs for invited users")
  func invited() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([
      store.createUser("ana@example.com", on: ana), store.createUser("ben@example.com", on: ben),
      store.command(.patchUser(patch: Fixture().patch(#"{"op":"replace","path":"active","value":false}"#)), on: ben),
    ])
    let changes = try await restated(Restatement(users: [ana.user, ben.user], invitations: .all), in: store).compactMap { event in
      if case .userChanged(let change) = event { change } else { nil }
    }
    #expect(changes.count == 2)
    #expect(changes.first?.invitation?.missing == .all)
    #expect(changes.last?.invitation == nil)
    let (createdAt, restatedAt) = (try #require(changes.first?.invitation?.createdAt), try #require(changes.first?.changedAt))
    #expect(createdAt < restatedAt)
  }

  @Test("a group in self-contained parts that fit an event each")
  func groups() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let fixture = Fixture()
    let users = (0..<1500).map { _ in ResourceID.made(at: Date()) }.sorted()
    _ = try await process.execute(users.enumerated().map { store.createUser("user-\($0)@example.com", on: $1) })
    let (group, deletedGroup) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([
      store.command(.createGroup(document: fixture.group("Everybody", members: users)), on: group),
      store.command(.createGroup(document: fixture.group("Nobody", members: [])), on: deletedGroup),
    ])
    _ = try await process.execute([
      store.command(.deleteUser, on: users[10]),
      store.command(
        .patchGroup(patch: fixture.patch(#"{"op":"remove","path":"members[value eq \"\#(users[20])\"]"}"#)), on: group),
      store.command(.deleteGroup, on: deletedGroup),
    ])
    let middle = users[1200].user
    let restatement = Restatement(groups: [
      Restatement.GroupPart(group: group.group, range: MemberRange(through: middle)),
      Restatement.GroupPart(group: group.group, range: MemberRange(after: middle)), Restatement.GroupPart(group: deletedGroup.group),
    ])
    let changes = try await restated(restatement, in: store).compactMap { event -> GroupChanged? in
      if case .groupChanged(let change) = event { change } else { nil }
    }
    #expect(changes.map(\.change) == [.restated, .restated, .restated, .deleted])
    #expect(changes.map(\.version) == [2, 2, 2, 2])
    let parts = changes.dropLast()
    #expect(parts.allSatisfy { $0.addedMembers.count <= GroupChanged.maximumMembersPerEvent && $0.removedMembers.isEmpty })
    #expect(parts.flatMap(\.addedMembers) == users.enumerated().filter { ![10, 20].contains($0.offset) }.map(\.element.user))
    for part in parts { #expect(part.addedMembers.allSatisfy { part.range?.contains($0) == true }) }
    // Each range begins where the previous one ends.
    #expect(parts.map(\.range?.after) == [nil, parts[0].range?.through, middle])
    #expect(parts[1].range?.through == middle)
    #expect(parts[2].range?.through == nil)
    #expect(Set(changes.map { IdentityEvent.groupChanged($0).identity }).count == 4)
  }

  @Test("with the changes of the batch so far")
  func withinBatch() async throws {
    let store = try await StoreDatabase.start()
    let fixture = Fixture()
    let (ana, group) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let process = store.process()
    _ = try await process.execute([
      store.createUser("ana@example.com", on: ana),
      store.command(.createGroup(document: fixture.group("Team", members: [ana])), on: group),
    ])
    let before = try await store.count("select coalesce(max(id), 0) from identity.outbox")
    _ = try await process.execute([
      store.command(.replaceGroup(document: fixture.group("Team", members: [])), on: group),
      store.command(.restate(Restatement(groups: [Restatement.GroupPart(group: group.group)])), on: store.workspace.resource),
    ])
    let last = try #require(try await events(behind: before, in: store).last)
    guard case .groupChanged(let change) = last else { throw CocoaError(.coderValueNotFound) }
    #expect(change.change == .restated)
    #expect(change.version == 2)
    #expect(change.addedMembers == [])
  }

  /// The events that a restatement publishes.
  private func restated(_ restatement: Restatement, in store: StoreDatabase) async throws -> [IdentityEvent] {
    let before = try await store.count("select coalesce(max(id), 0) from identity.outbox")
    let replies = try await store.process().execute([store.command(.restate(restatement), on: store.workspace.resource)])
    #expect(replies.map(\.outcome.status) == [204])
    return try await events(behind: before, in: store)
  }

  private func events(behind id: Int, in store: StoreDatabase) async throws -> [IdentityEvent] {
    let pool = store.process().pool
    let rows = try await pool.query(
      .init("events", "select headers, payload from identity.outbox where id > $1 order by id"), [.int(Int64(id))])
    let events = try rows.map { row in
      let pairs = try row.textArray(0)
      let headers = stride(from: 0, to: pairs.count - 1, by: 2).map { (name: pairs[$0], value: pairs[$0 + 1]) }
      return try IdentityEvent(CloudEvent(headers: headers, data: row.bytes(1)))
    }
    await pool.close()
    return events
  }
}
