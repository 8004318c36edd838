import Foundation
import Models
import SCIM
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Changes that wait for approval")
struct HeldChangeTests {
  private static let guarding = ChangeGuard(maximumShrink: 0.3, minimumMembers: 4, maximumDeactivations: 2, notify: "admin@example.com")

  private struct Guarded {
    var fixture = Fixture(changeGuard: HeldChangeTests.guarding)
    var people: [ResourceID] = []
    var group: ResourceID

    init() {
      for number in 0..<6 { people.append(fixture.createUser(#"{"userName":"user-\#(number)@example.com"}"#).id) }
      group = fixture.createGroup("Data team", members: people).id
    }

    func members() -> Set<UserID> { fixture.members(of: group) }

    @discardableResult
    mutating func replace(with members: [ResourceID]) -> Reply.Outcome {
      fixture.decide(.replaceGroup(document: fixture.group("Data team", members: members)), on: group)
    }

    mutating func disable(_ person: Int) -> Reply.Outcome { setActive(false, person) }

    mutating func setActive(_ active: Bool, _ person: Int) -> Reply.Outcome {
      fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":\#(active)}"#)), on: people[person])
    }

    func held(_ resource: ResourceID) -> HeldChangeRecord? {
      fixture.decider.state.heldChanges[ResourceKey(workspace: Fixture.workspace, id: resource)]
    }

    mutating func decide(_ verdict: HeldChangeDecision.Verdict, on resource: ResourceID) -> Reply.Outcome {
      let change = held(resource)?.id ?? HeldChangeID(fixture.id().uuid)
      return fixture.decide(.decideHeldChange(HeldChangeDecision(change: change, verdict: verdict)), on: resource)
    }

    var notices: [ChangeHeld] {
      fixture.decider.events.compactMap { if case .changeHeld(let event) = $0.event { event } else { nil } }
    }
  }

  @Test("A replacement that drops too many members succeeds: departures are held, additions and the new name are applied")
  func shrinking() throws {
    var guarded = Guarded()
    let newcomer = guarded.fixture.createUser(#"{"userName":"new@example.com"}"#).id
    let document = guarded.fixture.group("Data people", members: [guarded.people[0], newcomer])
    let outcome = guarded.fixture.decide(.replaceGroup(document: document), on: guarded.group)
    #expect(outcome.status == 200)
    #expect(guarded.members() == Set((guarded.people + [newcomer]).map(\.user)))
    #expect(guarded.fixture.groupRecord(guarded.group)?.displayName == "Data people")
    let held = try #require(guarded.held(guarded.group))
    #expect(Set(held.leaving) == Set(guarded.people[1...].map(\.user)))
    #expect(guarded.notices.map(\.leaving) == [5])
    #expect(guarded.notices.first?.members == 6)
    #expect(guarded.fixture.groupChanges.last?.removedMembers == [])
  }

  @Test("A replacement within the limit, of a small group, or in a workspace without a guard is applied")
  func withinBounds() {
    var guarded = Guarded()
    guarded.replace(with: Array(guarded.people[1...]))
    #expect(guarded.members().count == 5)
    var small = guarded.fixture.createGroup("Pair", members: Array(guarded.people[..<3]))
    small.outcome = guarded.fixture.decide(.replaceGroup(document: guarded.fixture.group("Pair", members: [])), on: small.id)
    #expect(guarded.fixture.members(of: small.id).isEmpty)
    #expect(guarded.notices.isEmpty)
    var fixture = Fixture()
    let people = (0..<6).map { fixture.createUser(#"{"userName":"user-\#($0)@example.com"}"#).id }
    let group = fixture.createGroup("Data team", members: people).id
    fixture.decide(.replaceGroup(document: fixture.group("Data team", members: [])), on: group)
    #expect(fixture.members(of: group).isEmpty)
  }

  @Test("After approval the members leave, except those whom the identity provider has added again")
  func approval() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    let again = guarded.fixture.patch(#"{"op":"add","path":"members","value":[{"value":"\#(guarded.people[1])"}]}"#)
    guarded.fixture.decide(.patchGroup(patch: again), on: guarded.group)
    #expect(guarded.decide(.approve, on: guarded.group).status == 204)
    #expect(guarded.members() == Set(guarded.people[...1].map(\.user)))
    #expect(Set(guarded.fixture.groupChanges.last?.removedMembers ?? []) == Set(guarded.people[2...].map(\.user)))
    #expect(guarded.decide(.approve, on: guarded.group).status == 409, "it is no longer pending")
  }

  @Test("A repeated change is held once and the admin is notified once; a list within the limit supersedes it")
  func again() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    guarded.replace(with: [guarded.people[0], guarded.people[1]])
    #expect(guarded.notices.count == 1)
    #expect(guarded.held(guarded.group)?.leaving.count == 4)
    guarded.replace(with: guarded.people)
    #expect(guarded.held(guarded.group) == nil)
    #expect(guarded.members().count == 6)
    #expect(guarded.decide(.approve, on: guarded.group).status == 409)
    #expect(guarded.members().count == 6)
  }

  @Test("After rejection the same list changes nothing and sends no notification; a larger departure is held")
  func rejection() {
    var guarded = Guarded()
    guarded.replace(with: Array(guarded.people[..<3]))
    #expect(guarded.decide(.reject, on: guarded.group).status == 204)
    guarded.replace(with: Array(guarded.people[..<3]))
    #expect(guarded.members().count == 6)
    #expect(guarded.notices.count == 1)
    guarded.replace(with: [guarded.people[0]])
    #expect(guarded.members().count == 6)
    #expect(guarded.notices.count == 2)
  }

  @Test("A rejected change can be approved while the identity provider still sends it")
  func changeOfMind() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    #expect(guarded.decide(.reject, on: guarded.group).status == 204)
    #expect(guarded.decide(.approve, on: guarded.group).status == 204)
    #expect(guarded.members() == [guarded.people[0].user])
  }

  @Test("Deactivations beyond the limit are held, by PATCH, PUT and DELETE alike")
  func deactivations() throws {
    var guarded = Guarded()
    for person in 0..<3 { #expect(guarded.disable(person).status == 200) }
    #expect((0..<3).map { guarded.fixture.user(guarded.people[$0])?.state } == [.disabled, .disabled, .invited])
    #expect(guarded.fixture.decide(.deleteUser, on: guarded.people[3]).status == 204)
    #expect(guarded.fixture.user(guarded.people[3])?.state == .invited)
    let put = Fixture.user(#"{"userName":"user-4@example.com","active":false,"displayName":"Renamed"}"#)
    #expect(guarded.fixture.decide(.replaceUser(document: put), on: guarded.people[4]).status == 200)
    #expect(guarded.fixture.user(guarded.people[4])?.state == .invited)
    #expect(guarded.fixture.user(guarded.people[4])?.displayName == "Renamed", "the rest of the change was applied")
    #expect(guarded.notices.map(\.kind) == [.userDisabled, .userDeleted, .userDisabled])

    #expect(guarded.decide(.approve, on: guarded.people[2]).status == 204)
    #expect(guarded.fixture.user(guarded.people[2])?.state == .disabled)
    #expect(guarded.decide(.approve, on: guarded.people[3]).status == 204)
    #expect(guarded.fixture.user(guarded.people[3]) == nil)
  }

  @Test("A profile change neither ends nor applies a held deactivation; activation ends it")
  func profileChange() {
    var guarded = Guarded()
    for person in 0..<3 { _ = guarded.disable(person) }
    let rename = guarded.fixture.patch(#"{"op":"replace","path":"displayName","value":"New"}"#)
    #expect(guarded.fixture.decide(.patchUser(patch: rename), on: guarded.people[2]).status == 200)
    #expect(guarded.held(guarded.people[2])?.status == .pending)
    #expect(guarded.fixture.user(guarded.people[2])?.state == .invited)
    #expect(guarded.setActive(true, 2).status == 200)
    #expect(guarded.held(guarded.people[2]) == nil)
    #expect(guarded.notices.count == 1)
  }

  @Test("A user whose deletion is held gets the old id when created again")
  func createdAgain() {
    var guarded = Guarded()
    for person in 0..<2 { _ = guarded.disable(person) }
    #expect(guarded.fixture.decide(.deleteUser, on: guarded.people[2]).status == 204)
    let (id, outcome) = guarded.fixture.createUser(#"{"userName":"user-2@example.com"}"#)
    #expect(outcome.status == 201)
    #expect(id == guarded.people[2])
    #expect(guarded.held(guarded.people[2]) == nil)
  }

  @Test("A rejected deactivation is not applied when repeated, until the identity provider activates the person")
  func rejectedDeactivation() {
    var guarded = Guarded()
    for person in 0..<3 { _ = guarded.disable(person) }
    #expect(guarded.decide(.reject, on: guarded.people[2]).status == 204)
    _ = guarded.disable(2)
    #expect(guarded.fixture.user(guarded.people[2])?.state == .invited)
    #expect(guarded.notices.count == 1)
    _ = guarded.setActive(true, 2)
    _ = guarded.disable(2)
    #expect(guarded.notices.count == 2, "it is a different change")
  }

  @Test(
    "Members who leave one by one are counted together, for every form of removal",
    arguments: [
      #"{"op":"remove","path":"members[value eq \"ID\"]"}"#,
      #"{"op":"remove","path":"members[value eq \"ID\"]"},{"op":"replace","path":"displayName","value":"Data team"}"#,
    ])
  func removals(operation: String) throws {
    var guarded = Guarded()
    for person in 0..<4 {
      let sent = guarded.fixture.patch(operation.replacing("ID", with: "\(guarded.people[person])"))
      // The form in which scim-api sends the operation.
      let patch = try Patch(Normaliser(profile: .entra, userAgent: nil).groupPatch(JSON(parsing: sent))).json()
      #expect(guarded.fixture.decide(.patchGroup(patch: patch), on: guarded.group).status == 200)
    }
    // One of six members may leave; two are more than 30 percent.
    #expect(guarded.members() == Set(guarded.people[1...].map(\.user)))
    #expect(guarded.held(guarded.group)?.leaving == guarded.people[1..<4].map(\.user))
    #expect(guarded.notices.map(\.leaving) == [1], "the removals extend one held change")
    #expect(guarded.notices.first?.members == 6)
    #expect(guarded.decide(.approve, on: guarded.group).status == 204)
    #expect(guarded.members() == Set(guarded.people[4...].map(\.user)))
  }

  @Test("Lists that shrink step by step are counted together, and only the first step is applied")
  func stepwise() {
    var guarded = Guarded()
    for left in 1...4 { #expect(guarded.replace(with: Array(guarded.people[left...])).status == 200) }
    #expect(guarded.members() == Set(guarded.people[1...].map(\.user)))
    #expect(guarded.held(guarded.group)?.leaving == guarded.people[1..<4].map(\.user))
  }

  @Test("A removal without a filter and a replacement by PATCH are counted with earlier departures")
  func wholeLists() {
    for operation in [#"{"op":"remove","path":"members"}"#, #"{"op":"replace","path":"members","value":[]}"#] {
      var guarded = Guarded()
      guarded.replace(with: Array(guarded.people[1...]))
      guarded.fixture.decide(.patchGroup(patch: guarded.fixture.patch(operation)), on: guarded.group)
      #expect(guarded.members().count == 5)
      #expect(guarded.held(guarded.group)?.leaving.count == 5)
    }
  }

  @Test("Members whose removal was rejected stay, even if they are removed one by one")
  func rejectedRemovals() {
    var guarded = Guarded()
    guarded.replace(with: [guarded.people[0]])
    #expect(guarded.decide(.reject, on: guarded.group).status == 204)
    let patch = guarded.fixture.patch(#"{"op":"remove","path":"members[value eq \"\#(guarded.people[3])\"]"}"#)
    #expect(guarded.fixture.decide(.patchGroup(patch: patch), on: guarded.group).status == 200)
    #expect(guarded.members().count == 6)
    #expect(guarded.notices.count == 1)
  }

  @Test("The deletion of a group is held, and applied after approval")
  func groupDeletion() throws {
    var guarded = Guarded()
    #expect(guarded.fixture.decide(.deleteGroup, on: guarded.group).status == 204)
    #expect(guarded.fixture.groupRecord(guarded.group) != nil)
    #expect(guarded.members().count == 6)
    let notice = try #require(guarded.notices.last)
    #expect((notice.kind, notice.leaving, notice.members) == (.groupDeleted, 6, 6))
    #expect(guarded.fixture.decide(.deleteGroup, on: guarded.group).status == 204)
    #expect(guarded.notices.count == 1, "a repeated deletion is the same change")
    #expect(guarded.decide(.approve, on: guarded.group).status == 204)
    #expect(guarded.fixture.groupRecord(guarded.group) == nil)
    #expect(guarded.fixture.groupChanges.last?.change == .deleted)
    #expect(guarded.fixture.decide(.deleteGroup, on: guarded.group).status == 404)
  }

  @Test("A rejected deletion is not applied when repeated; small and empty groups are deleted at once")
  func rejectedGroupDeletion() {
    var guarded = Guarded()
    guarded.fixture.decide(.deleteGroup, on: guarded.group)
    #expect(guarded.decide(.reject, on: guarded.group).status == 204)
    #expect(guarded.fixture.decide(.deleteGroup, on: guarded.group).status == 204)
    #expect(guarded.fixture.groupRecord(guarded.group) != nil)
    #expect(guarded.notices.count == 1)
    for members in [[], Array(guarded.people[..<3])] {
      let (small, _) = guarded.fixture.createGroup("Pair", members: members)
      #expect(guarded.fixture.decide(.deleteGroup, on: small).status == 204)
      #expect(guarded.fixture.groupRecord(small) == nil)
    }
  }

  @Test("A group whose deletion is held gets the old id when created again, and a change of it ends the deletion")
  func groupCreatedAgain() {
    var guarded = Guarded()
    guarded.fixture.decide(.deleteGroup, on: guarded.group)
    let again = guarded.fixture.createGroup("DATA team", members: guarded.people)
    guard case .resource(let stored, let created) = again.outcome else {
      Issue.record("refused: \(again.outcome.error)")
      return
    }
    #expect(created && stored.id == guarded.group)
    #expect(guarded.held(guarded.group) == nil)
    guarded.fixture.decide(.deleteGroup, on: guarded.group)
    #expect(guarded.held(guarded.group)?.kind == .groupDeleted)
    let rename = guarded.fixture.patch(#"{"op":"replace","path":"displayName","value":"Data people"}"#)
    guarded.fixture.decide(.patchGroup(patch: rename), on: guarded.group)
    #expect(guarded.held(guarded.group) == nil)
    #expect(guarded.decide(.approve, on: guarded.group).status == 409)
    #expect(guarded.members().count == 6)
  }

  @Test("A group created again with fewer members keeps those whom the guard holds")
  func groupCreatedAgainSmaller() {
    var guarded = Guarded()
    guarded.fixture.decide(.deleteGroup, on: guarded.group)
    #expect(guarded.fixture.createGroup("Data team", members: []).outcome.status == 201)
    #expect(guarded.members().count == 6)
    #expect(guarded.held(guarded.group)?.kind == .membersRemoved)
  }

  @Test("Reassigning a member's userName counts as a departure, and is never held")
  func reassignedMember() throws {
    var fixture = Fixture(changeGuard: ChangeGuard(maximumShrink: 0.3, minimumMembers: 4, notify: "admin@example.com"))
    let people = (0..<6).map { fixture.createUser(#"{"userName":"user-\#($0)@example.com","externalId":"\#($0)"}"#).id }
    let (group, _) = fixture.createGroup("Data team", members: people)
    for person in people[..<2] {
      fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: person)
    }
    for number in 0..<2 { fixture.createUser(#"{"userName":"user-\#(number)@example.com","externalId":"new-\#(number)"}"#) }
    #expect(fixture.members(of: group) == Set(people[2...].map(\.user)))
    let patch = fixture.patch(#"{"op":"remove","path":"members[value eq \"\#(people[2])\"]"}"#)
    fixture.decide(.patchGroup(patch: patch), on: group)
    #expect(fixture.members(of: group).count == 4, "two of six have left already")
    #expect(fixture.decider.state.heldChanges[ResourceKey(workspace: Fixture.workspace, id: group)]?.leaving == [people[2].user])
  }

  @Test("Reassigning the userName of a held deactivation ends the access of the former person first")
  func reassignedWhileHeld() {
    var fixture = Fixture(changeGuard: ChangeGuard(maximumDeactivations: 0, notify: "admin@example.com"))
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u1"}"#)
    fixture.decide(.promoteUser(SignIn(workspace: Fixture.workspace, email: nil, user: id.user, signedInAt: Fixture.start)), on: id)
    fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: id)
    #expect(fixture.user(id)?.state == .active)
    fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u2"}"#)
    #expect(fixture.user(id)?.state == .invited)
    #expect(fixture.userChanges == [.created, .activated, .disabled, .enabled])
    #expect(fixture.decider.state.heldChanges.isEmpty)
  }

  @Test("A change guard without limits, or without an address, is invalid")
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

  @Test("A held list is stored, decided in a later batch, and recorded with the deciding admin")
  func group() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumShrink: 0.3, minimumMembers: 4, notify: "admin@example.com")
    let people = (0..<6).map { _ in ResourceID.made(at: Date()) }
    let group = ResourceID.made(at: Date())
    let fixture = Fixture()
    _ = try await process.execute([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.execute(
      people.enumerated().map { store.createUser("user-\($0.offset)@example.com", on: $0.element) })
    _ = try await process.execute([store.command(.createGroup(document: fixture.group("Data team", members: people)), on: group)])
    let shrunk = store.command(.replaceGroup(document: fixture.group("Data team", members: [people[0]])), on: group)
    #expect(try await process.execute([shrunk]).map(\.outcome.status) == [200])
    #expect(try await store.count("select count(*) from identity.memberships") == 6)
    #expect(try await store.count("select cardinality(leaving) from identity_read.held_changes where status = 'pending'") == 5)
    // A redelivered command is not held twice, and adding a person removes them from the held change.
    _ = try await process.execute([shrunk])
    let again = fixture.patch(#"{"op":"add","path":"members","value":[{"value":"\#(people[1])"}]}"#)
    _ = try await store.process().execute([store.command(.patchGroup(patch: again), on: group)])
    #expect(try await store.count("select cardinality(leaving) from identity_read.held_changes where status = 'pending'") == 4)

    let decision = HeldChangeDecision(change: HeldChangeID(shrunk.id.uuid), verdict: .approve)
    #expect(try await store.process().execute([store.command(.decideHeldChange(decision), on: group)]).map(\.outcome.status) == [204])
    #expect(try await store.count("select count(*) from identity.memberships") == 2)
    #expect(try await store.text("select status || ' ' || decided_by from identity_read.held_changes") == "approved service:test")
  }

  @Test("Departures are counted across batches and processes, and a group deletion is held, withdrawn and approved in later batches")
  func departures() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumShrink: 0.3, minimumMembers: 4, notify: "admin@example.com")
    let people = (0..<10).map { _ in ResourceID.made(at: Date()) }
    let group = ResourceID.made(at: Date())
    let fixture = Fixture()
    _ = try await process.execute([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.execute(people.enumerated().map { store.createUser("user-\($0.offset)@example.com", on: $0.element) })
    _ = try await process.execute([store.command(.createGroup(document: fixture.group("Data team", members: people)), on: group)])
    for person in people[..<5] {
      let patch = fixture.patch(#"{"op":"remove","path":"members[value eq \"\#(person)\"]"}"#)
      #expect(try await store.process().execute([store.command(.patchGroup(patch: patch), on: group)]).map(\.outcome.status) == [200])
    }
    #expect(try await store.count("select count(*) from identity.memberships") == 7)
    #expect(try await store.count("select cardinality(leaving) from identity_read.held_changes where status = 'pending'") == 2)
    #expect(try await store.count("select sum(departed)::int8 from identity.departures") == 3)
    // After the window others may leave; held members stay.
    _ = try await store.count(
      "with past as (update identity.departures set happened_at = happened_at - interval '11 minutes') select 1::int8")
    for person in people[3..<6] {
      let patch = fixture.patch(#"{"op":"remove","path":"members[value eq \"\#(person)\"]"}"#)
      _ = try await store.process().execute([store.command(.patchGroup(patch: patch), on: group)])
    }
    #expect(try await store.count("select count(*) from identity.memberships") == 6)

    let delete = store.command(.deleteGroup, on: group)
    #expect(try await store.process().execute([delete]).map(\.outcome.status) == [204])
    #expect(
      try await store.text("select kind || ' ' || members from identity_read.held_changes where status = 'pending'") == "group-deleted 6")
    let recreation = store.command(.createGroup(document: fixture.group("data team", members: Array(people[3...]))))
    let replies = try await store.process().execute([recreation])
    guard case .resource(let stored, true)? = replies.first?.outcome else {
      Issue.record("\(replies)")
      return
    }
    #expect(stored.id == group)
    #expect(try await store.count("select count(*) from identity.groups") == 1)
    #expect(try await store.count("select count(*) from identity.memberships") == 7)

    // Deleted and created again in one batch.
    let (again, anew) = (
      store.command(.deleteGroup, on: group), store.command(.createGroup(document: fixture.group("Data team", members: [])))
    )
    #expect(try await store.process().execute([again, anew]).map(\.outcome.status) == [204, 201])
    #expect(try await store.count("select count(*) from identity.memberships") == 7)

    let last = store.command(.deleteGroup, on: group)
    _ = try await store.process().execute([last])
    let decision = HeldChangeDecision(change: HeldChangeID(last.id.uuid), verdict: .approve)
    #expect(try await store.process().execute([store.command(.decideHeldChange(decision), on: group)]).map(\.outcome.status) == [204])
    #expect(try await store.count("select count(*) from identity.groups") == 0)
    #expect(try await store.count("select count(*) from identity.memberships") == 0)
  }

  @Test("Workspaces without a guard count no departures")
  func unguarded() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (person, group) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await process.execute([store.createUser("ana@example.com", on: person)])
    _ = try await process.execute([store.command(.createGroup(document: Fixture().group("Data team", members: [person])), on: group)])
    _ = try await process.execute([store.command(.replaceGroup(document: Fixture().group("Data team", members: [])), on: group)])
    #expect(try await store.count("select count(*) from identity.memberships") == 0)
    #expect(try await store.count("select count(*) from identity.departures") == 0)
  }

  @Test("Two processes that deactivate people concurrently do not exceed the limit")
  func concurrentDeactivations() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumDeactivations: 3, notify: "admin@example.com")
    let people = (0..<20).map { _ in ResourceID.made(at: Date()) }
    _ = try await process.execute([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.execute(people.enumerated().map { store.createUser("user-\($0.offset)@example.com", on: $0.element) })
    let disable = Fixture().patch(#"{"op":"replace","path":"active","value":false}"#)
    let (one, other) = (store.process(), store.process())
    async let first = one.execute(people[..<10].map { store.command(.patchUser(patch: disable), on: $0) })
    async let second = other.execute(people[10...].map { store.command(.patchUser(patch: disable), on: $0) })
    #expect(try await (first + second).allSatisfy { $0.outcome.status == 200 })
    #expect(try await store.count("select count(*) from identity.users where state = 'disabled'") == 3)
    #expect(try await store.count("select count(*) from identity_read.held_changes where status = 'pending'") == 17)
  }

  @Test("The name of a deleted user is removed from the held change")
  func deletion() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let rule = ChangeGuard(maximumDeactivations: 0, notify: "admin@example.com")
    let person = ResourceID.made(at: Date())
    _ = try await process.execute([store.command(.updateWorkspace(Self.guarded(rule)), on: store.workspace.resource)])
    _ = try await process.execute([store.createUser("ana@example.com", on: person)])
    let delete = store.command(.deleteUser, on: person)
    #expect(try await process.execute([delete]).map(\.outcome.status) == [204])
    #expect(try await store.text("select name from identity_read.held_changes") == "ana@example.com")
    let decision = HeldChangeDecision(change: HeldChangeID(delete.id.uuid), verdict: .approve)
    #expect(try await process.execute([store.command(.decideHeldChange(decision), on: person)]).map(\.outcome.status) == [204])
    #expect(try await store.count("select count(*) from identity.users") == 0)
    #expect(try await store.count("select count(*) from identity.held_changes where name is not null") == 0)
  }
}
