import Foundation
import Models
import Testing

@testable import identity_store

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

  @Test(
    "Someone who was disabled comes back under the old id",
    arguments: [
      #"{"userName":"ana@example.com","externalId":"00u1","active":true}"#,
      #"{"userName":"ana@example.com","externalId":"00u-new"}"#,
      #"{"userName":"ana.new-name@example.com","externalId":"00u1"}"#,
    ])
  func relinking(json: String) {
    var bench = Bench()
    let (id, _) = bench.createUser(Self.ana)
    bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","value":{"active":false}}"#)), on: id)
    #expect(bench.user(id)?.state == .disabled)
    let (again, outcome) = bench.createUser(json)
    #expect(outcome.status == 201)
    #expect(again == id)
    #expect(bench.user(id)?.state == .invited)
    #expect(bench.userChanges == [.created, .disabled, .enabled])
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

  @Test("Who signed in before being provisioned starts active")
  func earlySignIn() {
    var bench = Bench()
    let signIn = SignIn(workspace: Bench.workspace, email: "ana@EXAMPLE.com", user: nil, signedInAt: Bench.start)
    bench.decide(.promoteUser(signIn), on: bench.id())
    let (id, _) = bench.createUser(Self.ana)
    #expect(bench.user(id)?.state == .active)
    #expect(bench.user(id)?.firstSignedInAt == Bench.start)
    #expect(bench.decider.state.earlySignIns.isEmpty)
  }

  @Test("A disabled user's sign-in changes nothing and is told")
  func refusedSignIn() {
    var bench = Bench()
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","active":false}"#)
    let signIn = SignIn(workspace: Bench.workspace, email: "ana@example.com", user: nil, signedInAt: Bench.start)
    bench.decide(.promoteUser(signIn), on: id)
    #expect(bench.user(id)?.state == .disabled)
    #expect(bench.decider.events.last?.event.type == "rollcall.sign-in.refused.v1")
  }

  @Test("A PUT that changes nothing makes no version and no event")
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

  @Test("A document says the same in the same bytes, whether active was given or not")
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

  @Test("An update for an id that is gone says what to do, and names the live user of that name")
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
    "Roles are matched without case; an unknown one is refused with the names there are",
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

  @Test("A command that was answered is answered the same and carried out once")
  func redelivery() {
    var bench = Bench()
    let id = bench.id()
    let command = bench.command(.createUser(document: Bench.user(Self.ana)), on: id)
    let first = bench.decider.decide(ReadCommand(command))
    let second = bench.decider.decide(ReadCommand(command))
    #expect(first == second)
    #expect(bench.decider.recorded.count == 1)
    #expect(bench.userChanges == [.created])
  }

  @Test("A command past its deadline is not begun, and one that was answered before it passed is answered the same")
  func deadlines() {
    var bench = Bench()
    let id = bench.id()
    let late = bench.command(.createUser(document: Bench.user(Self.ana)), on: id, deadline: Bench.start.addingTimeInterval(-1))
    #expect(bench.decider.decide(ReadCommand(late)).outcome.status == 503)
    #expect(bench.user(id) == nil)
    #expect(bench.decider.recorded.count == 1)
  }
}
