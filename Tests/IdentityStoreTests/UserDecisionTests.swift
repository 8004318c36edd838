import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on users")
struct UserDecisionTests {
  static let ana = #"{"userName":"Ana@Example.com","externalId":"00u1"}"#

  @Test("A created user is invited, and an event says so")
  func creation() throws {
    var bench = Bench()
    let (id, outcome) = bench.createUser(Self.ana)
    #expect(outcome.status == 201)
    let user = try #require(bench.user(id))
    #expect(user.state == .invited)
    #expect(user.version == 1)
    #expect(user.userName == "Ana@Example.com")
    #expect(user.email == "Ana@Example.com")
    #expect(user.role == "viewer")
    #expect(bench.userChanges == [.created])
  }

  @Test("A user created with active false is disabled and nobody is invited")
  func creationDisabled() throws {
    var bench = Bench()
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","active":false}"#)
    #expect(bench.user(id)?.state == .disabled)
  }

  @Test("userName is unique without case, and the refusal names the other user")
  func uniqueness() {
    var bench = Bench()
    let (id, _) = bench.createUser(Self.ana)
    let (_, second) = bench.createUser(#"{"userName":"ana@example.COM"}"#)
    #expect(second.status == 409)
    #expect(second.error.contains(#""scimType":"uniqueness""#))
    #expect(second.error.contains(id.description))
  }

  /// A stored user, a POST, and its expected outcome.
  struct Relinking: Sendable, CustomTestStringConvertible {
    var situation: String
    var stored = #"{"userName":"ana@example.com","externalId":"jsmith"}"#
    var isDisabled = true
    var posted: String
    /// The expected reason for relinking; `nil`: a new user is created.
    var relink: Relink?
    var isRefused = false

    var testDescription: String { situation }
  }

  private static let relinkings = [
    Relinking(situation: "the same names", posted: #"{"userName":"ANA@example.com","externalId":"jsmith"}"#, relink: .samePerson),
    Relinking(situation: "the same userName, none sends an externalId", posted: #"{"userName":"ana@example.com"}"#, relink: .samePerson),
    Relinking(
      situation: "the same userName, a blank externalId", posted: #"{"userName":"ana@example.com","externalId":" "}"#, relink: .samePerson),
    Relinking(
      situation: "the same userName, the stored externalId is blank", stored: #"{"userName":"ana@example.com","externalId":""}"#,
      posted: #"{"userName":"ana@example.com","externalId":"00u2"}"#, relink: .samePerson),
    Relinking(
      situation: "the same userName, another externalId", posted: #"{"userName":"ana@example.com","externalId":"00u2"}"#,
      relink: .reassigned),
    Relinking(
      situation: "another userName, the same externalId and address",
      stored: #"{"userName":"ana","externalId":"jsmith","emails":[{"value":"ana@example.com","primary":true}]}"#,
      posted: #"{"userName":"ana.silva","externalId":"jsmith","emails":[{"value":"Ana@Example.com","type":"work"}]}"#, relink: .samePerson),
    Relinking(
      situation: "another userName, the same address alone",
      stored: #"{"userName":"ana","externalId":"jsmith","emails":[{"value":"ana@example.com"}]}"#,
      posted: #"{"userName":"ana.silva","externalId":"00u2","emails":[{"value":"ana@example.com"}]}"#),
    Relinking(
      situation: "the same externalId, and an address that is not the primary one",
      stored:
        #"{"userName":"ana","externalId":"jsmith","emails":[{"value":"a@example.com","primary":true},{"value":"shared@example.com"}]}"#,
      posted: #"{"userName":"ben","externalId":"jsmith","emails":[{"value":"shared@example.com"}]}"#),
    Relinking(
      situation: "the same externalId alone: somebody else", posted: #"{"userName":"ben@example.com","externalId":"jsmith"}"#),
    Relinking(
      situation: "two blank externalIds", stored: #"{"userName":"ana@example.com","externalId":""}"#,
      posted: #"{"userName":"ben@example.com","externalId":""}"#),
    Relinking(
      situation: "both are inactive before their first day",
      stored: #"{"userName":"ana@example.com","externalId":"template","active":false}"#,
      posted: #"{"userName":"ben@example.com","externalId":"template","active":false}"#),
    Relinking(
      situation: "an enabled user has the externalId", isDisabled: false, posted: #"{"userName":"ben@example.com","externalId":"jsmith"}"#),
    Relinking(
      situation: "an enabled user has the externalId and the address",
      stored: #"{"userName":"ana","externalId":"x","emails":[{"value":"a@b.c"}]}"#,
      isDisabled: false, posted: #"{"userName":"ben","externalId":"x","emails":[{"value":"a@b.c"}]}"#),
    Relinking(
      situation: "an enabled user has the userName", isDisabled: false, posted: #"{"userName":"ana@example.com","externalId":"jsmith"}"#,
      isRefused: true),
  ]

  @Test("A POST reuses the record of a disabled user only for the same userName, or the same externalId and address", arguments: relinkings)
  func relinking(_ each: Relinking) throws {
    var bench = Bench()
    let (old, _) = bench.createUser(each.stored)
    if each.isDisabled { bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","value":{"active":false}}"#)), on: old) }
    let before = try #require(bench.user(old))
    let (id, outcome) = bench.createUser(each.posted)
    if each.isRefused {
      #expect(outcome.status == 409)
      #expect(bench.user(old) == before)
      return
    }
    guard case .resource(let stored, let created) = outcome else {
      Issue.record("refused: \(outcome.error)")
      return
    }
    #expect(created)
    #expect(stored.relink == each.relink)
    #expect((id == old) == (each.relink != nil))
    #expect(bench.user(id)?.state == (each.posted.contains("false") ? .disabled : .invited))
    if each.relink == nil { #expect(bench.user(old) == before, "nothing of the other user is changed") }
    #expect(bench.decider.audited.map(\.action) == (each.relink == nil ? [] : ["relink-user"]))
  }

  @Test("A new person with a disabled person's externalId gets an account of their own")
  func newPersonWithAKnownExternalID() throws {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com","externalId":"jsmith"}"#)
    bench.decide(.promoteUser(SignIn(workspace: Bench.workspace, email: "ana@example.com", user: nil, signedInAt: Bench.start)), on: ana)
    let (group, _) = bench.createGroup("Data team", members: [ana])
    bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","path":"active","value":false}"#)), on: ana)
    let before = try #require(bench.user(ana))
    let (ben, outcome) = bench.createUser(#"{"userName":"ben@example.com","externalId":"jsmith"}"#)
    #expect(outcome.status == 201)
    #expect(ben != ana)
    #expect(bench.user(ben)?.state == .invited)
    #expect(bench.user(ana) == before)
    #expect(bench.members(of: group) == [ana.user])
  }

  @Test("A new person with a reassigned userName gets none of the former person's sign-ins, role and groups, and is invited")
  func reassigned() throws {
    var bench = Bench()
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","externalId":"00u1","secodaRole":"admin"}"#)
    bench.decide(.promoteUser(SignIn(workspace: Bench.workspace, email: "ana@example.com", user: nil, signedInAt: Bench.start)), on: id)
    let (ben, _) = bench.createUser(#"{"userName":"ben@example.com"}"#)
    let (group, _) = bench.createGroup("Data team", members: [id, ben])
    bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","path":"active","value":false}"#)), on: id)
    let (again, outcome) = bench.createUser(#"{"userName":"ana@example.com","externalId":"00u2"}"#)
    #expect(outcome.status == 201)
    #expect(again == id)
    let user = try #require(bench.user(id))
    #expect(user.state == .invited)
    #expect(user.firstSignedInAt == nil)
    #expect(user.role == "viewer")
    #expect(user.externalID == "00u2")
    #expect(bench.members(of: group) == [ben.user])
    #expect(bench.groupRecord(group)?.version == 2)
    #expect(bench.groupChanges.last?.removedMembers == [id.user])
    #expect(bench.userChanges.last == .enabled)
    let audited = try #require(bench.decider.audited.last)
    #expect(audited.action == "relink-user" && audited.target == "user \(id)")
    #expect(audited.summary.contains(#""relink":"reassigned""#) && audited.summary.contains("\(group)"))
    #expect(!audited.summary.contains("ana"), "no personal data")
  }

  @Test("An early sign-in counts for a new person only with an address that the former person did not have")
  func reassignedWithEarlySignIn() {
    for (email, state) in [("ana@example.com", .invited), ("new@example.com", .active)] as [(String, UserState)] {
      var bench = Bench()
      bench.decide(
        .promoteUser(SignIn(workspace: Bench.workspace, email: email, user: nil, signedInAt: Bench.start)), on: bench.id())
      let (id, _) = bench.createUser(#"{"userName":"ana@example.com","externalId":"00u1","active":false}"#)
      bench.createUser(#"{"userName":"ana@example.com","externalId":"00u2","emails":[{"value":"new@example.com"}]}"#)
      #expect(bench.user(id)?.state == state, "\(email)")
      #expect(bench.decider.state.earlySignIns.isEmpty)
    }
  }

  @Test("If records are never reused, the error names the disabled user and what to do")
  func neverRelinking() {
    for posted in [
      #"{"userName":"ana@example.com","externalId":"00u1"}"#, #"{"userName":"ana@example.com","externalId":"00u2"}"#,
      #"{"userName":"ana.silva","externalId":"00u1","emails":[{"value":"ana@example.com"}]}"#,
    ] {
      var bench = Bench(relink: .never)
      let (id, _) = bench.createUser(#"{"userName":"ana@example.com","externalId":"00u1","active":false}"#)
      let (_, outcome) = bench.createUser(posted)
      #expect(outcome.status == 409)
      #expect(outcome.error.contains(#""scimType":"uniqueness""#))
      #expect(outcome.error.contains(id.description) && outcome.error.contains("is disabled") && outcome.error.contains("active to true"))
      #expect(bench.userChanges == [.created])
      #expect(bench.decider.audited.isEmpty)
    }
  }

  @Test("A blank externalId is absent, whatever verb sends it", arguments: ["", "  ", "\u{200B}"])
  func blankExternalID(_ blank: String) throws {
    var bench = Bench()
    let (created, _) = bench.createUser(#"{"userName":"ana@example.com","externalId":"\#(blank)"}"#)
    let (replaced, _) = bench.createUser(#"{"userName":"ben@example.com","externalId":"00u1"}"#)
    bench.decide(.replaceUser(document: Bench.user(#"{"userName":"ben@example.com","externalId":"\#(blank)"}"#)), on: replaced)
    let (patched, _) = bench.createUser(#"{"userName":"cem@example.com","externalId":"00u2"}"#)
    bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","path":"externalId","value":"\#(blank)"}"#)), on: patched)
    for id in [created, replaced, patched] {
      let user = try #require(bench.user(id))
      #expect(user.externalID == nil)
      #expect(!String(decoding: user.document, as: UTF8.self).contains("externalId"))
    }
    let (group, _) = bench.createGroup("Data team")
    bench.decide(.patchGroup(patch: bench.patch(#"{"op":"add","value":{"externalId":"\#(blank)"}}"#)), on: group)
    #expect(bench.groupRecord(group)?.externalID == nil)
  }

  @Test("The first sign-in makes an invited user active, later ones change nothing")
  func promotion() {
    var bench = Bench()
    let (id, _) = bench.createUser(Self.ana)
    let signIn = SignIn(workspace: Bench.workspace, email: "ANA@example.com", user: nil, signedInAt: Bench.start)
    #expect(bench.decide(.promoteUser(signIn), on: id).status == 204)
    #expect(bench.user(id)?.state == .active)
    #expect(bench.user(id)?.firstSignedInAt == Bench.start)
    bench.decide(.promoteUser(signIn), on: id)
    #expect(bench.user(id)?.version == 2)
    #expect(bench.userChanges == [.created, .activated])
  }

  @Test("Someone who signed in before is active again when enabled, someone who did not is invited again")
  func reactivation() {
    var bench = Bench()
    let (ana, _) = bench.createUser(Self.ana)
    let (ben, _) = bench.createUser(#"{"userName":"ben@example.com"}"#)
    bench.decide(
      .promoteUser(SignIn(workspace: Bench.workspace, email: nil, user: ana.user, signedInAt: Bench.start)), on: ana)
    for id in [ana, ben] {
      bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","path":"active","value":false}"#)), on: id)
      bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","path":"active","value":true}"#)), on: id)
    }
    #expect(bench.user(ana)?.state == .active)
    #expect(bench.user(ben)?.state == .invited)
  }

  @Test("A person who signed in before being provisioned starts active")
  func earlySignIn() {
    var bench = Bench()
    let signIn = SignIn(workspace: Bench.workspace, email: "ana@EXAMPLE.com", user: nil, signedInAt: Bench.start)
    bench.decide(.promoteUser(signIn), on: bench.id())
    let (id, _) = bench.createUser(Self.ana)
    #expect(bench.user(id)?.state == .active)
    #expect(bench.user(id)?.firstSignedInAt == Bench.start)
    #expect(bench.decider.state.earlySignIns.isEmpty)
  }

  @Test("A disabled user's sign-in changes nothing, and an event is published")
  func refusedSignIn() {
    var bench = Bench()
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","active":false}"#)
    let signIn = SignIn(workspace: Bench.workspace, email: "ana@example.com", user: nil, signedInAt: Bench.start)
    bench.decide(.promoteUser(signIn), on: id)
    #expect(bench.user(id)?.state == .disabled)
    #expect(bench.decider.events.last?.event.type == "rollcall.sign-in.refused.v1")
  }

  @Test("A PUT that changes nothing creates no version and no event")
  func unchangedReplacement() {
    var bench = Bench()
    let (id, _) = bench.createUser(Self.ana)
    let outcome = bench.decide(.replaceUser(document: Bench.user(Self.ana)), on: id)
    #expect(outcome.status == 200)
    #expect(bench.user(id)?.version == 1)
    #expect(bench.userChanges == [.created])
  }

  @Test("A PUT without active leaves a disabled user disabled")
  func replacementWithoutActive() {
    var bench = Bench()
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","active":false}"#)
    bench.decide(.replaceUser(document: Bench.user(#"{"userName":"ana@example.com","displayName":"Ana"}"#)), on: id)
    #expect(bench.user(id)?.state == .disabled)
    #expect(bench.user(id)?.displayName == "Ana")
  }

  @Test("A document has the same bytes, whether active was given or not")
  func activeInItsPlace() {
    var bench = Bench()
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","emails":[{"value":"a"}],"secodaRole":"editor"}"#)
    let put = #"{"userName":"ana@example.com","active":true,"emails":[{"value":"a"}],"secodaRole":"editor"}"#
    bench.decide(.replaceUser(document: Bench.user(put)), on: id)
    bench.decide(.patchUser(patch: bench.patch(#"{"op":"add","path":"emails","value":[{"value":"a"}]}"#)), on: id)
    #expect(bench.user(id)?.version == 1)
    #expect(bench.userChanges == [.created])
  }

  @Test(
    "active can't be removed, and stays in the document",
    arguments: [
      #"{"op":"remove","path":"active"}"#, #"{"op":"replace","path":"active","value":null}"#, #"{"op":"add","value":{"active":null}}"#,
      #"{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User:active"}"#,
    ])
  func activeRemoved(operation: String) throws {
    for active in [true, false] {
      var bench = Bench()
      let (id, _) = bench.createUser(#"{"userName":"ana@example.com","active":\#(active)}"#)
      let outcome = bench.decide(.patchUser(patch: bench.patch(operation)), on: id)
      #expect(outcome.status == 400 && outcome.error.contains("mutability"))
      let user = try #require(bench.user(id))
      #expect(user.state == (active ? .invited : .disabled))
      #expect(String(decoding: user.document, as: UTF8.self).contains(#""active":\#(active)"#))
    }
  }

  @Test("A PUT without active, or with null, keeps the state, and the document says it", arguments: ["", #","active":null"#])
  func activeNotPut(member: String) throws {
    for active in [true, false] {
      var bench = Bench()
      let (id, _) = bench.createUser(#"{"userName":"ana@example.com","active":\#(active)}"#)
      bench.decide(.replaceUser(document: Bench.user(#"{"userName":"ana@example.com","title":"t"\#(member)}"#)), on: id)
      let document = String(decoding: try #require(bench.user(id)).document, as: UTF8.self)
      #expect(document.contains(#""active":\#(active)"#) && document.contains(#""title":"t""#))
    }
  }

  @Test("A PUT cannot take another user's name")
  func replacementConflict() {
    var bench = Bench()
    bench.createUser(Self.ana)
    let (ben, _) = bench.createUser(#"{"userName":"ben@example.com"}"#)
    #expect(bench.decide(.replaceUser(document: Bench.user(Self.ana)), on: ben).status == 409)
    #expect(bench.user(ben)?.userName == "ben@example.com")
  }

  @Test("The error for a stale id says what to do, and names the live user with that name")
  func staleID() {
    var bench = Bench()
    let (old, _) = bench.createUser(Self.ana)
    #expect(bench.decide(.deleteUser, on: old).status == 204)
    let (new, _) = bench.createUser(Self.ana)
    #expect(new != old)
    let outcome = bench.decide(.replaceUser(document: Bench.user(Self.ana)), on: old)
    #expect(outcome.status == 404)
    #expect(outcome.error.contains("User not found"))
    #expect(outcome.error.contains(new.description))
    #expect(outcome.error.contains("unassign"))
  }

  @Test("Deleting leaves no personal data in the event or the tombstone")
  func deletion() throws {
    var bench = Bench()
    let (id, _) = bench.createUser(Self.ana)
    bench.decide(.deleteUser, on: id)
    guard case .userChanged(let event)? = bench.decider.events.last?.event else {
      Issue.record("no event")
      return
    }
    #expect(event.change == .deleted)
    #expect(event.user == UserSnapshot(id: id.user, state: .disabled))
    let tombstone = try #require(bench.decider.state.tombstones[ResourceKey(workspace: Bench.workspace, id: id)])
    #expect(tombstone.userNameHash?.count == 32)
  }

  @Test(
    "Roles are matched without case; the error for an unknown one lists the roles",
    arguments: [("EDITOR", "editor"), ("analyst", "Analyst"), ("Owner", nil)] as [(String, String?)])
  func roles(sent: String, expected: String?) {
    var bench = Bench(customRoles: ["Analyst"])
    let (id, outcome) = bench.createUser(#"{"userName":"ana@example.com","secodaRole":"\#(sent)"}"#)
    if let expected {
      #expect(bench.user(id)?.role == expected)
    } else {
      #expect(outcome.status == 400)
      #expect(outcome.error.contains(#""scimType":"invalidValue""#))
      #expect(outcome.error.contains("admin, editor, viewer, Analyst"))
      #expect(bench.user(id) == nil)
    }
  }

  @Test("A redelivered command gets the same answer and is carried out once")
  func redelivery() {
    var bench = Bench()
    let id = bench.id()
    let command = bench.command(.createUser(document: Bench.user(Self.ana)), on: id)
    let first = bench.decider.decide(ParsedCommand(command))
    let second = bench.decider.decide(ParsedCommand(command))
    #expect(first == second)
    #expect(bench.decider.recorded.count == 1)
    #expect(bench.userChanges == [.created])
  }

  @Test("A command past its deadline is refused, and one that was answered before gets the same answer")
  func deadlines() {
    var bench = Bench()
    let id = bench.id()
    let late = bench.command(.createUser(document: Bench.user(Self.ana)), on: id, deadline: Bench.start.addingTimeInterval(-1))
    #expect(bench.decider.decide(ParsedCommand(late)).outcome.status == 503)
    #expect(bench.user(id) == nil)
    #expect(bench.decider.recorded.count == 1)
  }
}
