import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on users")
struct UserDecisionTests {
  static let ana = #"{"userName":"Ana@Example.com","externalId":"00u1"}"#

  @Test("A created user is invited, and an event says so")
  func creation() throws {
    var fixture = Fixture()
    let (id, outcome) = fixture.createUser(Self.ana)
    #expect(outcome.status == 201)
    let user = try #require(fixture.user(id))
    #expect(user.state == .invited)
    #expect(user.version == 1)
    #expect(user.userName == "Ana@Example.com")
    #expect(user.email == "Ana@Example.com")
    #expect(user.role == "viewer")
    #expect(fixture.userChanges == [.created])
  }

  @Test("A user created with active false is disabled and not invited")
  func creationDisabled() throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","active":false}"#)
    #expect(fixture.user(id)?.state == .disabled)
  }

  @Test("userName is unique, ignoring case, and the error names the existing user")
  func uniqueness() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    let (_, second) = fixture.createUser(#"{"userName":"ana@example.COM"}"#)
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
    var fixture = Fixture()
    let (old, _) = fixture.createUser(each.stored)
    if each.isDisabled { fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","value":{"active":false}}"#)), on: old) }
    let before = try #require(fixture.user(old))
    let (id, outcome) = fixture.createUser(each.posted)
    if each.isRefused {
      #expect(outcome.status == 409)
      #expect(fixture.user(old) == before)
      return
    }
    guard case .resource(let stored, let created) = outcome else {
      Issue.record("refused: \(outcome.error)")
      return
    }
    #expect(created)
    #expect(stored.relink == each.relink)
    #expect((id == old) == (each.relink != nil))
    #expect(fixture.user(id)?.state == (each.posted.contains("false") ? .disabled : .invited))
    if each.relink == nil { #expect(fixture.user(old) == before, "the other user is unchanged") }
    #expect(fixture.decider.audited.map(\.action) == (each.relink == nil ? [] : ["relink-user"]))
  }

  @Test("A new person with the externalId of a disabled user gets their own account")
  func newPersonWithAKnownExternalID() throws {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"jsmith"}"#)
    fixture.decide(
      .promoteUser(SignIn(workspace: Fixture.workspace, email: "ana@example.com", user: nil, signedInAt: Fixture.start)), on: ana)
    let (group, _) = fixture.createGroup("Data team", members: [ana])
    fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: ana)
    let before = try #require(fixture.user(ana))
    let (ben, outcome) = fixture.createUser(#"{"userName":"ben@example.com","externalId":"jsmith"}"#)
    #expect(outcome.status == 201)
    #expect(ben != ana)
    #expect(fixture.user(ben)?.state == .invited)
    #expect(fixture.user(ana) == before)
    #expect(fixture.members(of: group) == [ana.user])
  }

  @Test("A new person with a reassigned userName gets none of the former person's sign-ins, role and groups, and is invited")
  func reassigned() throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u1","secodaRole":"admin"}"#)
    fixture.decide(
      .promoteUser(SignIn(workspace: Fixture.workspace, email: "ana@example.com", user: nil, signedInAt: Fixture.start)), on: id)
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com"}"#)
    let (group, _) = fixture.createGroup("Data team", members: [id, ben])
    fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: id)
    let (again, outcome) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u2"}"#)
    #expect(outcome.status == 201)
    #expect(again == id)
    let user = try #require(fixture.user(id))
    #expect(user.state == .invited)
    #expect(user.firstSignedInAt == nil)
    #expect(user.role == "viewer")
    #expect(user.externalID == "00u2")
    #expect(fixture.members(of: group) == [ben.user])
    #expect(fixture.groupRecord(group)?.version == 2)
    #expect(fixture.groupChanges.last?.removedMembers == [id.user])
    #expect(fixture.userChanges.last == .enabled)
    let audited = try #require(fixture.decider.audited.last)
    #expect(audited.action == "relink-user" && audited.target == "user \(id)")
    #expect(audited.summary.contains(#""relink":"reassigned""#) && audited.summary.contains("\(group)"))
    #expect(!audited.summary.contains("ana"), "no personal data")
  }

  @Test("An early sign-in counts for a new person only with an address that the former person did not have")
  func reassignedWithEarlySignIn() {
    for (email, state) in [("ana@example.com", .invited), ("new@example.com", .active)] as [(String, UserState)] {
      var fixture = Fixture()
      fixture.decide(
        .promoteUser(SignIn(workspace: Fixture.workspace, email: email, user: nil, signedInAt: Fixture.start)), on: fixture.id())
      let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u1","active":false}"#)
      fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u2","emails":[{"value":"new@example.com"}]}"#)
      #expect(fixture.user(id)?.state == state, "\(email)")
      #expect(fixture.decider.state.earlySignIns.isEmpty)
    }
  }

  @Test("If records are never reused, the error names the disabled user and what to do")
  func neverRelinking() {
    for posted in [
      #"{"userName":"ana@example.com","externalId":"00u1"}"#, #"{"userName":"ana@example.com","externalId":"00u2"}"#,
      #"{"userName":"ana.silva","externalId":"00u1","emails":[{"value":"ana@example.com"}]}"#,
    ] {
      var fixture = Fixture(relink: .never)
      let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"00u1","active":false}"#)
      let (_, outcome) = fixture.createUser(posted)
      #expect(outcome.status == 409)
      #expect(outcome.error.contains(#""scimType":"uniqueness""#))
      #expect(outcome.error.contains(id.description) && outcome.error.contains("is disabled") && outcome.error.contains("active to true"))
      #expect(fixture.userChanges == [.created])
      #expect(fixture.decider.audited.isEmpty)
    }
  }

  @Test("Every method treats a blank externalId as absent", arguments: ["", "  ", "\u{200B}"])
  func blankExternalID(_ blank: String) throws {
    var fixture = Fixture()
    let (created, _) = fixture.createUser(#"{"userName":"ana@example.com","externalId":"\#(blank)"}"#)
    let (replaced, _) = fixture.createUser(#"{"userName":"ben@example.com","externalId":"00u1"}"#)
    fixture.decide(.replaceUser(document: Fixture.user(#"{"userName":"ben@example.com","externalId":"\#(blank)"}"#)), on: replaced)
    let (patched, _) = fixture.createUser(#"{"userName":"cem@example.com","externalId":"00u2"}"#)
    fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"externalId","value":"\#(blank)"}"#)), on: patched)
    for id in [created, replaced, patched] {
      let user = try #require(fixture.user(id))
      #expect(user.externalID == nil)
      #expect(!String(decoding: user.document, as: UTF8.self).contains("externalId"))
    }
    let (group, _) = fixture.createGroup("Data team")
    fixture.decide(.patchGroup(patch: fixture.patch(#"{"op":"add","value":{"externalId":"\#(blank)"}}"#)), on: group)
    #expect(fixture.groupRecord(group)?.externalID == nil)
  }

  @Test("The first sign-in makes an invited user active, later ones change nothing")
  func promotion() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    let signIn = SignIn(workspace: Fixture.workspace, email: "ANA@example.com", user: nil, signedInAt: Fixture.start)
    #expect(fixture.decide(.promoteUser(signIn), on: id).status == 204)
    #expect(fixture.user(id)?.state == .active)
    #expect(fixture.user(id)?.firstSignedInAt == Fixture.start)
    fixture.decide(.promoteUser(signIn), on: id)
    #expect(fixture.user(id)?.version == 2)
    #expect(fixture.userChanges == [.created, .activated])
  }

  @Test("A user who is enabled again is active if they have signed in before, and otherwise invited")
  func reactivation() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(Self.ana)
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com"}"#)
    fixture.decide(
      .promoteUser(SignIn(workspace: Fixture.workspace, email: nil, user: ana.user, signedInAt: Fixture.start)), on: ana)
    for id in [ana, ben] {
      fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: id)
      fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":true}"#)), on: id)
    }
    #expect(fixture.user(ana)?.state == .active)
    #expect(fixture.user(ben)?.state == .invited)
  }

  @Test("A person who signed in before being provisioned starts active")
  func earlySignIn() {
    var fixture = Fixture()
    let signIn = SignIn(workspace: Fixture.workspace, email: "ana@EXAMPLE.com", user: nil, signedInAt: Fixture.start)
    fixture.decide(.promoteUser(signIn), on: fixture.id())
    let (id, _) = fixture.createUser(Self.ana)
    #expect(fixture.user(id)?.state == .active)
    #expect(fixture.user(id)?.firstSignedInAt == Fixture.start)
    #expect(fixture.decider.state.earlySignIns.isEmpty)
  }

  @Test("A disabled user's sign-in changes nothing, and an event is published")
  func refusedSignIn() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","active":false}"#)
    let signIn = SignIn(workspace: Fixture.workspace, email: "ana@example.com", user: nil, signedInAt: Fixture.start)
    fixture.decide(.promoteUser(signIn), on: id)
    #expect(fixture.user(id)?.state == .disabled)
    #expect(fixture.decider.events.last?.event.type == "rollcall.sign-in.refused.v1")
  }

  @Test("A PUT that changes nothing creates no version and no event")
  func unchangedReplacement() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    let outcome = fixture.decide(.replaceUser(document: Fixture.user(Self.ana)), on: id)
    #expect(outcome.status == 200)
    #expect(fixture.user(id)?.version == 1)
    #expect(fixture.userChanges == [.created])
  }

  @Test("A PUT without active leaves a disabled user disabled")
  func replacementWithoutActive() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","active":false}"#)
    fixture.decide(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com","displayName":"Ana"}"#)), on: id)
    #expect(fixture.user(id)?.state == .disabled)
    #expect(fixture.user(id)?.displayName == "Ana")
  }

  @Test("The stored document is the same with and without active in the request")
  func activeInItsPlace() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","emails":[{"value":"a"}],"secodaRole":"editor"}"#)
    let put = #"{"userName":"ana@example.com","active":true,"emails":[{"value":"a"}],"secodaRole":"editor"}"#
    fixture.decide(.replaceUser(document: Fixture.user(put)), on: id)
    fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"add","path":"emails","value":[{"value":"a"}]}"#)), on: id)
    #expect(fixture.user(id)?.version == 1)
    #expect(fixture.userChanges == [.created])
  }

  @Test(
    "active can't be removed, and stays in the document",
    arguments: [
      #"{"op":"remove","path":"active"}"#, #"{"op":"replace","path":"active","value":null}"#, #"{"op":"add","value":{"active":null}}"#,
      #"{"op":"remove","path":"urn:ietf:params:scim:schemas:core:2.0:User:active"}"#,
    ])
  func activeRemoved(operation: String) throws {
    for active in [true, false] {
      var fixture = Fixture()
      let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","active":\#(active)}"#)
      let outcome = fixture.decide(.patchUser(patch: fixture.patch(operation)), on: id)
      #expect(outcome.status == 400 && outcome.error.contains("mutability"))
      let user = try #require(fixture.user(id))
      #expect(user.state == (active ? .invited : .disabled))
      #expect(String(decoding: user.document, as: UTF8.self).contains(#""active":\#(active)"#))
    }
  }

  @Test("A PUT with active omitted or null keeps the state, and the document contains it", arguments: ["", #","active":null"#])
  func activeNotPut(member: String) throws {
    for active in [true, false] {
      var fixture = Fixture()
      let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","active":\#(active)}"#)
      fixture.decide(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com","title":"t"\#(member)}"#)), on: id)
      let document = String(decoding: try #require(fixture.user(id)).document, as: UTF8.self)
      #expect(document.contains(#""active":\#(active)"#) && document.contains(#""title":"t""#))
    }
  }

  @Test("A PUT cannot take another user's name")
  func replacementConflict() {
    var fixture = Fixture()
    fixture.createUser(Self.ana)
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com"}"#)
    #expect(fixture.decide(.replaceUser(document: Fixture.user(Self.ana)), on: ben).status == 409)
    #expect(fixture.user(ben)?.userName == "ben@example.com")
  }

  @Test("The error for a stale id says what to do, and names the live user with that name")
  func staleID() {
    var fixture = Fixture()
    let (old, _) = fixture.createUser(Self.ana)
    #expect(fixture.decide(.deleteUser, on: old).status == 204)
    let (new, _) = fixture.createUser(Self.ana)
    #expect(new != old)
    let outcome = fixture.decide(.replaceUser(document: Fixture.user(Self.ana)), on: old)
    #expect(outcome.status == 404)
    #expect(outcome.error.contains("User not found"))
    #expect(outcome.error.contains(new.description))
    #expect(outcome.error.contains("unassign"))
  }

  @Test("Deleting leaves no personal data in the event or the tombstone")
  func deletion() throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    fixture.decide(.deleteUser, on: id)
    guard case .userChanged(let event)? = fixture.decider.events.last?.event else {
      Issue.record("no event")
      return
    }
    #expect(event.change == .deleted)
    #expect(event.user == UserSnapshot(id: id.user, state: .disabled))
    let tombstone = try #require(fixture.decider.state.tombstones[ResourceKey(workspace: Fixture.workspace, id: id)])
    #expect(tombstone.userNameHash?.count == 32)
  }

  @Test(
    "Roles are matched without case; the error for an unknown one lists the roles",
    arguments: [("EDITOR", "editor"), ("analyst", "Analyst"), ("Owner", nil)] as [(String, String?)])
  func roles(sent: String, expected: String?) {
    var fixture = Fixture(customRoles: ["Analyst"])
    let (id, outcome) = fixture.createUser(#"{"userName":"ana@example.com","secodaRole":"\#(sent)"}"#)
    if let expected {
      #expect(fixture.user(id)?.role == expected)
    } else {
      #expect(outcome.status == 400)
      #expect(outcome.error.contains(#""scimType":"invalidValue""#))
      #expect(outcome.error.contains("admin, editor, viewer, Analyst"))
      #expect(fixture.user(id) == nil)
    }
  }

  @Test("A redelivered command gets the same reply and is applied once")
  func redelivery() {
    var fixture = Fixture()
    let id = fixture.id()
    let command = fixture.command(.createUser(document: Fixture.user(Self.ana)), on: id)
    let first = fixture.decider.decide(ParsedCommand(command))
    let second = fixture.decider.decide(ParsedCommand(command))
    #expect(first == second)
    #expect(fixture.decider.recorded.count == 1)
    #expect(fixture.userChanges == [.created])
  }

  @Test("A command past its deadline is refused, but a redelivered one gets its recorded reply")
  func deadlines() {
    var fixture = Fixture()
    let id = fixture.id()
    let late = fixture.command(.createUser(document: Fixture.user(Self.ana)), on: id, deadline: Fixture.start.addingTimeInterval(-1))
    #expect(fixture.decider.decide(ParsedCommand(late)).outcome.status == 503)
    #expect(fixture.user(id) == nil)
    #expect(fixture.decider.recorded.count == 1)
  }
}
