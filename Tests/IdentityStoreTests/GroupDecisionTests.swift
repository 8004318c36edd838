import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on groups")
struct GroupDecisionTests {
  @Test("A group is created with its members, in one event")
  func creation() {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    let (group, outcome) = bench.createGroup("Data team", members: [ana])
    #expect(outcome.status == 201)
    #expect(bench.members(of: group) == [ana.user])
    #expect(bench.groupChanges.map(\.change) == [.created])
    #expect(bench.groupChanges.first?.addedMembers == [ana.user])
  }

  @Test("A replacement adds new members and removes missing ones, and the event has exactly these")
  func replacement() {
    var bench = Bench()
    let people = ["ana", "ben", "cem"].map { bench.createUser(#"{"userName":"\#($0)@example.com"}"#).id }
    let (group, _) = bench.createGroup("Data team", members: [people[0], people[1]])
    bench.decide(.replaceGroup(document: bench.group("Data team", members: [people[1], people[2]])), on: group)
    #expect(bench.members(of: group) == [people[1].user, people[2].user])
    let change = bench.groupChanges[1]
    #expect(change.addedMembers == [people[2].user])
    #expect(change.removedMembers == [people[0].user])
    #expect(change.version == 2)
  }

  @Test("Adding members again, or removing non-members, creates no new version")
  func unchanged() {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    let (ben, _) = bench.createUser(#"{"userName":"ben@example.com"}"#)
    let (group, _) = bench.createGroup("Data team", members: [ana])
    bench.decide(.patchGroup(patch: bench.patch(#"{"op":"add","path":"members","value":[{"value":"\#(ana)"}]}"#)), on: group)
    bench.decide(.patchGroup(patch: bench.patch(#"{"op":"remove","path":"members[value eq \"\#(ben)\"]"}"#)), on: group)
    #expect(bench.groupRecord(group)?.version == 1)
    #expect(bench.groupChanges.count == 1)
  }

  @Test("Okta's removal and addition in one body is one change")
  func removalAndAddition() {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    let (ben, _) = bench.createUser(#"{"userName":"ben@example.com"}"#)
    let (group, _) = bench.createGroup("Data team", members: [ana])
    let patch = bench.patch(
      #"""
      {"op":"remove","path":"members[value eq \"\#(ana)\"]"},
      {"op":"add","path":"members","value":[{"value":"\#(ben)","display":"Ben"}]}
      """#)
    bench.decide(.patchGroup(patch: patch), on: group)
    #expect(bench.members(of: group) == [ben.user])
    #expect(bench.groupRecord(group)?.version == 2)
  }

  @Test("An unknown member is named in the error, and nothing of the push is applied")
  func unknownMember() {
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    let (group, _) = bench.createGroup("Data team")
    let ghost = "99999999-0000-4000-8000-000000000000"
    let patch = bench.patch(
      #"""
      {"op":"replace","path":"displayName","value":"Renamed"},
      {"op":"add","path":"members","value":[{"value":"\#(ana)"},{"value":"\#(ghost)"}]}
      """#)
    let outcome = bench.decide(.patchGroup(patch: patch), on: group)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains(ghost))
    #expect(bench.members(of: group).isEmpty)
    #expect(bench.groupRecord(group)?.displayName == "Data team")
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
    var bench = Bench()
    let (ana, _) = bench.createUser(#"{"userName":"ana@example.com"}"#)
    let (group, _) = bench.createGroup("Data team", members: [ana])
    bench.decide(.deleteUser, on: ana)
    #expect(bench.members(of: group).isEmpty)
  }

  @Test("displayName is unique without case")
  func uniqueness() {
    var bench = Bench()
    _ = bench.createGroup("Data team")
    let (_, outcome) = bench.createGroup("DATA TEAM")
    #expect(outcome.status == 409)
  }

  @Test("A deleted group is not found, and its name is free")
  func deletion() {
    var bench = Bench()
    let (group, _) = bench.createGroup("Data team")
    #expect(bench.decide(.deleteGroup, on: group).status == 204)
    #expect(bench.decide(.deleteGroup, on: group).status == 404)
    #expect(bench.createGroup("Data team").outcome.status == 201)
    #expect(bench.groupChanges.map(\.change) == [.created, .deleted, .created])
  }

  @Test("With duplicate names allowed, POST, PUT and PATCH accept the name of another group")
  func sharedNames() {
    var bench = Bench(duplicateGroupNames: .allow)
    let (first, _) = bench.createGroup("Data team")
    let (second, outcome) = bench.createGroup("DATA team")
    #expect(outcome.status == 201)
    #expect(first != second)
    let (third, _) = bench.createGroup("Sales")
    #expect(bench.decide(.replaceGroup(document: bench.group("Data team", members: [])), on: third).status == 200)
    let rename = bench.patch(#"{"op":"replace","path":"displayName","value":"data TEAM"}"#)
    let (fourth, _) = bench.createGroup("Support")
    #expect(bench.decide(.patchGroup(patch: rename), on: fourth).status == 200)
    #expect(bench.decider.state.groups(named: NameKey(workspace: Bench.workspace, name: "data team")).count == 4)
    #expect(bench.decide(.deleteGroup, on: first).status == 204)
    #expect(bench.decider.state.groups(named: NameKey(workspace: Bench.workspace, name: "data team")).count == 3)
  }

  @Test("When names become unique again, groups that share one keep it, and no other group gets it")
  func namesUniqueAgain() {
    var bench = Bench(duplicateGroupNames: .allow)
    let (first, _) = bench.createGroup("Data team")
    let (second, _) = bench.createGroup("Data team")
    var settings = bench.decider.state.workspaces[Bench.workspace]!.settings
    settings.duplicateGroupNames = .reject
    bench.decide(.updateWorkspace(settings), on: Bench.workspace.resource)
    #expect(bench.createGroup("data team").outcome.status == 409)
    for group in [first, second] {
      #expect(bench.decide(.replaceGroup(document: bench.group("Data team", members: [])), on: group).status == 200)
    }
    #expect(bench.decide(.replaceGroup(document: bench.group("Sales", members: [])), on: first).status == 200)
    #expect(bench.decide(.replaceGroup(document: bench.group("Data team", members: [])), on: first).status == 409)
  }
}
