import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on groups")
struct GroupDecisionTests {
  @Test("A group is created with its members, in one event")
  func creation() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let (group, outcome) = fixture.createGroup("Data team", members: [ana])
    #expect(outcome.status == 201)
    #expect(fixture.members(of: group) == [ana.user])
    #expect(fixture.groupChanges.map(\.change) == [.created])
    #expect(fixture.groupChanges.first?.addedMembers == [ana.user])
  }

  @Test("A replacement adds new members and removes missing ones, and the event has exactly these")
  func replacement() {
    var fixture = Fixture()
    let people = ["ana", "ben", "cem"].map { fixture.createUser(#"{"userName":"\#($0)@example.com"}"#).id }
    let (group, _) = fixture.createGroup("Data team", members: [people[0], people[1]])
    fixture.decide(.replaceGroup(document: fixture.group("Data team", members: [people[1], people[2]])), on: group)
    #expect(fixture.members(of: group) == [people[1].user, people[2].user])
    let change = fixture.groupChanges[1]
    #expect(change.addedMembers == [people[2].user])
    #expect(change.removedMembers == [people[0].user])
    #expect(change.version == 2)
  }

  @Test("Adding members again, or removing non-members, creates no new version")
  func unchanged() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com"}"#)
    let (group, _) = fixture.createGroup("Data team", members: [ana])
    fixture.decide(.patchGroup(patch: fixture.patch(#"{"op":"add","path":"members","value":[{"value":"\#(ana)"}]}"#)), on: group)
    fixture.decide(.patchGroup(patch: fixture.patch(#"{"op":"remove","path":"members[value eq \"\#(ben)\"]"}"#)), on: group)
    #expect(fixture.groupRecord(group)?.version == 1)
    #expect(fixture.groupChanges.count == 1)
  }

  @Test("A removal and an addition in one PATCH, as Okta sends them, are one change")
  func removalAndAddition() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let (ben, _) = fixture.createUser(#"{"userName":"ben@example.com"}"#)
    let (group, _) = fixture.createGroup("Data team", members: [ana])
    let patch = fixture.patch(
      #"""
      {"op":"remove","path":"members[value eq \"\#(ana)\"]"},
      {"op":"add","path":"members","value":[{"value":"\#(ben)","display":"Ben"}]}
      """#)
    fixture.decide(.patchGroup(patch: patch), on: group)
    #expect(fixture.members(of: group) == [ben.user])
    #expect(fixture.groupRecord(group)?.version == 2)
  }

  @Test("The error names an unknown member, and nothing is applied")
  func unknownMember() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let (group, _) = fixture.createGroup("Data team")
    let unknownID = "99999999-0000-4000-8000-000000000000"
    let patch = fixture.patch(
      #"""
      {"op":"replace","path":"displayName","value":"Renamed"},
      {"op":"add","path":"members","value":[{"value":"\#(ana)"},{"value":"\#(unknownID)"}]}
      """#)
    let outcome = fixture.decide(.patchGroup(patch: patch), on: group)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains(unknownID))
    #expect(fixture.members(of: group).isEmpty)
    #expect(fixture.groupRecord(group)?.displayName == "Data team")
  }

  @Test("A change of many members is split into parts that fit an event")
  func parts() {
    let users = (0..<2500).map { UserID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8($0 / 256), UInt8($0 % 256)))) }
    let parts = Array(MembershipParts(added: Array(users[..<1700]), removed: Array(users[1700...])))
    #expect(parts.map { $0.added.count + $0.removed.count } == [1000, 1000, 500])
    #expect(parts.flatMap(\.added) == Array(users[..<1700]))
    #expect(parts.flatMap(\.removed) == Array(users[1700...]))
  }

  @Test("A deleted user is removed from all groups")
  func deletedMember() {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let (group, _) = fixture.createGroup("Data team", members: [ana])
    fixture.decide(.deleteUser, on: ana)
    #expect(fixture.members(of: group).isEmpty)
  }

  @Test("displayName is unique, ignoring case")
  func uniqueness() {
    var fixture = Fixture()
    _ = fixture.createGroup("Data team")
    let (_, outcome) = fixture.createGroup("DATA TEAM")
    #expect(outcome.status == 409)
  }

  @Test("A deleted group is not found, and its name is available")
  func deletion() {
    var fixture = Fixture()
    let (group, _) = fixture.createGroup("Data team")
    #expect(fixture.decide(.deleteGroup, on: group).status == 204)
    #expect(fixture.decide(.deleteGroup, on: group).status == 404)
    #expect(fixture.createGroup("Data team").outcome.status == 201)
    #expect(fixture.groupChanges.map(\.change) == [.created, .deleted, .created])
  }

  @Test("With duplicate names allowed, POST, PUT and PATCH accept the name of another group")
  func sharedNames() {
    var fixture = Fixture(duplicateGroupNames: .allow)
    let (first, _) = fixture.createGroup("Data team")
    let (second, outcome) = fixture.createGroup("DATA team")
    #expect(outcome.status == 201)
    #expect(first != second)
    let (third, _) = fixture.createGroup("Sales")
    #expect(fixture.decide(.replaceGroup(document: fixture.group("Data team", members: [])), on: third).status == 200)
    let rename = fixture.patch(#"{"op":"replace","path":"displayName","value":"data TEAM"}"#)
    let (fourth, _) = fixture.createGroup("Support")
    #expect(fixture.decide(.patchGroup(patch: rename), on: fourth).status == 200)
    #expect(fixture.decider.state.groups(named: NameKey(workspace: Fixture.workspace, name: "data team")).count == 4)
    #expect(fixture.decide(.deleteGroup, on: first).status == 204)
    #expect(fixture.decider.state.groups(named: NameKey(workspace: Fixture.workspace, name: "data team")).count == 3)
  }

  @Test("When names become unique again, groups that share one keep it, and no other group gets it")
  func namesUniqueAgain() {
    var fixture = Fixture(duplicateGroupNames: .allow)
    let (first, _) = fixture.createGroup("Data team")
    let (second, _) = fixture.createGroup("Data team")
    var settings = fixture.decider.state.workspaces[Fixture.workspace]!.settings
    settings.duplicateGroupNames = .reject
    fixture.decide(.updateWorkspace(settings), on: Fixture.workspace.resource)
    #expect(fixture.createGroup("data team").outcome.status == 409)
    for group in [first, second] {
      #expect(fixture.decide(.replaceGroup(document: fixture.group("Data team", members: [])), on: group).status == 200)
    }
    #expect(fixture.decide(.replaceGroup(document: fixture.group("Sales", members: [])), on: first).status == 200)
    #expect(fixture.decide(.replaceGroup(document: fixture.group("Data team", members: [])), on: first).status == 409)
  }
}
