import Foundation
import Models
import TestSupport
import Testing

@testable import identity_store

@Suite("Changes that wait for approval")
struct HeldChangeTests {
  private static let guarding = ChangeGuard(maximumShrink: 0.3, minimumMembers: 4, maximumDeactivations: 2, notify: "admin@example.com")

  private struct Guarded {
    var bench = Bench(changeGuard: HeldChangeTests.guarding)
    var people: [ResourceID] = []
    var group: ResourceID

    init() {
      for number in 0..<6 { people.append(bench.createUser(#"{"userName":"user-\#(number)@example.com"}"#).id) }
      group = bench.createGroup("Data team", members: people).id
    }

    func members() -> Set<UserID> { bench.members(of: group) }

    @discardableResult
    mutating func replace(with members: [ResourceID]) -> Reply.Outcome {
      bench.decide(.replaceGroup(document: bench.group("Data team", members: members)), on: group)
    }

    mutating func disable(_ person: Int) -> Reply.Outcome { setActive(false, person) }

    mutating func setActive(_ active: Bool, _ person: Int) -> Reply.Outcome {
      bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","path":"active","value":\#(active)}"#)), on: people[person])
    }

    func held(_ resource: ResourceID) -> HeldChangeRecord? {
      bench.decider.state.heldChanges[ResourceKey(workspace: Bench.workspace, id: resource)]
    }

    mutating func decide(_ verdict: HeldChangeDecision.Verdict, on resource: ResourceID) -> Reply.Outcome {
      let change = held(resource)?.id ?? HeldChangeID(bench.id().uuid)
      return bench.decide(.decideHeldChange(HeldChangeDecision(change: change, verdict: verdict)), on: resource)
    }

    var told: [ChangeHeld] {
      bench.decider.events.compactMap { if case .changeHeld(let event) = $0.event { event } else { nil } }
    }
  }

  @Test("A replacement that drops too many members is answered as made; who would leave stays, who comes and the name are taken")
  func shrinking() throws {
    var guarded = Guarded()
    let newcomer = guarded.bench.createUser(#"{"userName":"new@example.com"}"#).id
    let document = guarded.bench.group("Data people", members: [guarded.people[0], newcomer])
    let outcome = guarded.bench.decide(.replaceGroup(document: document), on: guarded.group)
    #expect(outcome.status == 200)
    #expect(guarded.members() == Set((guarded.people + [newcomer]).map(\.user)))
    #expect(guarded.bench.groupRecord(guarded.group)?.displayName == "Data people")
    let held = try #require(guarded.held(guarded.group))
    #expect(Set(held.leaving) == Set(guarded.people[1...].map(\.user)))
    #expect(guarded.told.map(\.leaving) == [5])
    #expect(guarded.told.first?.members == 6)
    #expect(guarded.bench.groupChanges.last?.removedMembers == [])
  }

  @Test("A replacement within the share, of a small group, or of a workspace without a guard goes through")
  func withinBounds() {
    var guarded = Guarded()
    guarded.replace(with: Array(guarded.people[1...]))
    #expect(guarded.members().count == 5)
    var small = guarded.bench.createGroup("Pair", members: Array(guarded.people[..<3]))
    small.outcome = guarded.bench.decide(.replaceGroup(document: guarded.bench.group("Pair", members: [])), on: small.id)
    #expect(guarded.bench.members(of: small.id).isEmpty)
    #expect(guarded.told.isEmpty)
    var bench = Bench()
    let people = (0..<6).map { bench.createUser(#"{"userName":"user-\#($0)@example.com"}"#).id }
    let group = bench.createGroup("Data team", members: people).id
    bench.decide(.replaceGroup(document: bench.group("Data team", members: [])), on: group)
    #expect(bench.members(of: group).isEmpty)
  }

  @Test("Approved, the members leave, except whom the identity provider has named again since")
  func approval() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    let again = guarded.bench.patch(#"{"op":"add","path":"members","value":[{"value":"\#(guarded.people[1])"}]}"#)
    guarded.bench.decide(.patchGroup(patch: again), on: guarded.group)
    #expect(guarded.decide(.approve, on: guarded.group).status == 204)
    #expect(guarded.members() == Set(guarded.people[...1].map(\.user)))
    #expect(Set(guarded.bench.groupChanges.last?.removedMembers ?? []) == Set(guarded.people[2...].map(\.user)))
    #expect(guarded.decide(.approve, on: guarded.group).status == 409, "it waits no more")
  }

  @Test("Asked for again while it waits, it is one change and the admin is told once; a list that fits supersedes it")
  func again() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    guarded.replace(with: [guarded.people[0], guarded.people[1]])
    #expect(guarded.told.count == 1)
    #expect(guarded.held(guarded.group)?.leaving.count == 4)
    guarded.replace(with: guarded.people)
    #expect(guarded.held(guarded.group) == nil)
    #expect(guarded.members().count == 6)
    #expect(guarded.decide(.approve, on: guarded.group).status == 409)
    #expect(guarded.members().count == 6)
  }

  @Test("Rejected, the same list changes nothing and asks nobody again; a larger one waits anew")
  func rejection() {
    var guarded = Guarded()
    guarded.replace(with: Array(guarded.people[..<3]))
    #expect(guarded.decide(.reject, on: guarded.group).status == 204)
    guarded.replace(with: Array(guarded.people[..<3]))
    #expect(guarded.members().count == 6)
    #expect(guarded.told.count == 1)
    guarded.replace(with: [guarded.people[0]])
    #expect(guarded.members().count == 6)
    #expect(guarded.told.count == 2)
  }

  @Test("A rejected change can be approved while the identity provider still asks for it")
  func changeOfMind() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    #expect(guarded.decide(.reject, on: guarded.group).status == 204)
    #expect(guarded.decide(.approve, on: guarded.group).status == 204)
    #expect(guarded.members() == [guarded.people[0].user])
  }

  @Test("A run of deactivations beyond the count waits, by PATCH, PUT and DELETE alike")
  func deactivations() throws {
    var guarded = Guarded()
    for person in 0..<3 { #expect(guarded.disable(person).status == 200) }
    #expect((0..<3).map { guarded.bench.user(guarded.people[$0])?.state } == [.disabled, .disabled, .invited])
    #expect(guarded.bench.decide(.deleteUser, on: guarded.people[3]).status == 204)
    #expect(guarded.bench.user(guarded.people[3])?.state == .invited)
    let put = Bench.user(#"{"userName":"user-4@example.com","active":false,"displayName":"Renamed"}"#)
    #expect(guarded.bench.decide(.replaceUser(document: put), on: guarded.people[4]).status == 200)
    #expect(guarded.bench.user(guarded.people[4])?.state == .invited)
    #expect(guarded.bench.user(guarded.people[4])?.displayName == "Renamed", "the rest of the change was made")
    #expect(guarded.told.map(\.kind) == [.userDisabled, .userDeleted, .userDisabled])

    #expect(guarded.decide(.approve, on: guarded.people[2]).status == 204)
    #expect(guarded.bench.user(guarded.people[2])?.state == .disabled)
    #expect(guarded.decide(.approve, on: guarded.people[3]).status == 204)
    #expect(guarded.bench.user(guarded.people[3]) == nil)
  }

  @Test("While a deactivation waits, a change of the profile neither ends it nor makes it; activation ends it")
  func profileChange() {
    var guarded = Guarded()
    for person in 0..<3 { _ = guarded.disable(person) }
    let rename = guarded.bench.patch(#"{"op":"replace","path":"displayName","value":"New"}"#)
    #expect(guarded.bench.decide(.patchUser(patch: rename), on: guarded.people[2]).status == 200)
    #expect(guarded.held(guarded.people[2])?.status == .pending)
    #expect(guarded.bench.user(guarded.people[2])?.state == .invited)
    #expect(guarded.setActive(true, 2).status == 200)
    #expect(guarded.held(guarded.people[2]) == nil)
    #expect(guarded.told.count == 1)
  }

  @Test("Someone whose deletion waits comes back under the old id when they are created again")
  func createdAgain() {
    var guarded = Guarded()
    for person in 0..<2 { _ = guarded.disable(person) }
    #expect(guarded.bench.decide(.deleteUser, on: guarded.people[2]).status == 204)
    let (id, outcome) = guarded.bench.createUser(#"{"userName":"user-2@example.com"}"#)
    #expect(outcome.status == 201)
    #expect(id == guarded.people[2])
    #expect(guarded.held(guarded.people[2]) == nil)
  }

  @Test("A rejected deactivation is not made when it comes again, until the identity provider has activated the person")
  func rejectedDeactivation() {
    var guarded = Guarded()
    for person in 0..<3 { _ = guarded.disable(person) }
    #expect(guarded.decide(.reject, on: guarded.people[2]).status == 204)
    _ = guarded.disable(2)
    #expect(guarded.bench.user(guarded.people[2])?.state == .invited)
    #expect(guarded.told.count == 1)
    _ = guarded.setActive(true, 2)
    _ = guarded.disable(2)
    #expect(guarded.told.count == 2, "it is another change")
  }

  @Test("A guard that guards nothing, or tells nobody, is refused")
  func faults() {
    #expect(ChangeGuard(notify: "admin@example.com").fault != nil)
    #expect(ChangeGuard(maximumShrink: 1.2, notify: "admin@example.com").fault != nil)
    #expect(ChangeGuard(maximumDeactivations: -1, notify: "admin@example.com").fault != nil)
    #expect(ChangeGuard(maximumShrink: 0.5, notify: "nobody").fault != nil)
    #expect(Self.guarding.fault == nil)
  }
}

@Suite("Held changes in storage", .timeLimit(.minutes(10)))
struct HeldChangeStorageTests {
  private static func guarded(_ changeGuard: ChangeGuard) -> WorkspaceSettings {
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")
    settings.changeGuard = changeGuard
    return settings
  }

  @Test("A held list is stored, decided in a later batch, and written down with who decided")
  func group() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumShrink: 0.3, minimumMembers: 4, notify: "admin@example.com")
    let people = (0..<6).map { _ in ResourceID.made(at: Date()) }
    let group = ResourceID.made(at: Date())
    let bench = Bench()
    _ = try await process.carryOut([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.carryOut(
      people.enumerated().map { store.createUser("user-\($0.offset)@example.com", on: $0.element) })
    _ = try await process.carryOut([store.command(.createGroup(document: bench.group("Data team", members: people)), on: group)])
    let shrunk = store.command(.replaceGroup(document: bench.group("Data team", members: [people[0]])), on: group)
    #expect(try await process.carryOut([shrunk]).map(\.outcome.status) == [200])
    #expect(try await store.count("select count(*) from identity.memberships") == 6)
    #expect(try await store.count("select cardinality(leaving) from identity_read.held_changes where status = 'pending'") == 5)
    // A redelivery holds nothing twice, and an addition takes its person out.
    _ = try await process.carryOut([shrunk])
    let again = bench.patch(#"{"op":"add","path":"members","value":[{"value":"\#(people[1])"}]}"#)
    _ = try await store.process().carryOut([store.command(.patchGroup(patch: again), on: group)])
    #expect(try await store.count("select cardinality(leaving) from identity_read.held_changes where status = 'pending'") == 4)

    let decision = HeldChangeDecision(change: HeldChangeID(shrunk.id.uuid), verdict: .approve)
    #expect(try await store.process().carryOut([store.command(.decideHeldChange(decision), on: group)]).map(\.outcome.status) == [204])
    #expect(try await store.count("select count(*) from identity.memberships") == 2)
    #expect(try await store.text("select status || ' ' || decided_by from identity_read.held_changes") == "approved service:test")
  }

  @Test("Two processes that deactivate people at the same moment let no more than the count through")
  func concurrentDeactivations() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumDeactivations: 3, notify: "admin@example.com")
    let people = (0..<20).map { _ in ResourceID.made(at: Date()) }
    _ = try await process.carryOut([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.carryOut(people.enumerated().map { store.createUser("user-\($0.offset)@example.com", on: $0.element) })
    let disable = Bench().patch(#"{"op":"replace","path":"active","value":false}"#)
    let (one, other) = (store.process(), store.process())
    async let first = one.carryOut(people[..<10].map { store.command(.patchUser(patch: disable), on: $0) })
    async let second = other.carryOut(people[10...].map { store.command(.patchUser(patch: disable), on: $0) })
    #expect(try await (first + second).allSatisfy { $0.outcome.status == 200 })
    #expect(try await store.count("select count(*) from identity.users where state = 'disabled'") == 3)
    #expect(try await store.count("select count(*) from identity_read.held_changes where status = 'pending'") == 17)
  }

  @Test("Of someone who is deleted no name stays with the change")
  func deletion() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumDeactivations: 0, notify: "admin@example.com")
    let person = ResourceID.made(at: Date())
    _ = try await process.carryOut([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.carryOut([store.createUser("ana@example.com", on: person)])
    let delete = store.command(.deleteUser, on: person)
    #expect(try await process.carryOut([delete]).map(\.outcome.status) == [204])
    #expect(try await store.text("select name from identity_read.held_changes") == "ana@example.com")
    let decision = HeldChangeDecision(change: HeldChangeID(delete.id.uuid), verdict: .approve)
    #expect(try await process.carryOut([store.command(.decideHeldChange(decision), on: person)]).map(\.outcome.status) == [204])
    #expect(try await store.count("select count(*) from identity.users") == 0)
    #expect(try await store.count("select count(*) from identity.held_changes where name is not null") == 0)
  }
}
