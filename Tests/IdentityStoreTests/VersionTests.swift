import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Conditional writes")
struct VersionTests {
  private static let rename = Fixture.user(#"{"userName":"zoe@example.com"}"#)

  @Test("A user with another version is not written, and the error names the current version")
  func user() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let patch = fixture.patch(#"{"op":"replace","value":{"active":false}}"#)
    for operation in [.replaceUser(document: Self.rename), .patchUser(patch: patch), .deleteUser] as [Command.Operation] {
      for versions in [[2], [], [7, 8]] as [[Int64]] {
        let outcome = fixture.decide(operation, on: id, expecting: versions)
        #expect(outcome.status == 412)
        #expect(outcome.error.contains(#"W/\"1\""#), "\(outcome.error)")
      }
    }
    #expect(fixture.user(id)?.version == 1)
    #expect(fixture.userChanges == [.created])
    #expect(fixture.decide(.replaceUser(document: Self.rename), on: id, expecting: [9, 1]).status == 200)
    #expect(fixture.decide(.patchUser(patch: patch), on: id, expecting: [2]).status == 200)
    #expect(fixture.decide(.deleteUser, on: id, expecting: [3]).status == 204)
    #expect(fixture.decide(.deleteUser, on: id, expecting: [3]).status == 404)
  }

  @Test("A group with another version is not written")
  func group() {
    var fixture = Fixture()
    let (id, _) = fixture.createGroup("Data team")
    let patch = fixture.patch(#"{"op":"replace","path":"displayName","value":"Team"}"#)
    let put = Command.Operation.replaceGroup(document: fixture.group("Other", members: []))
    for operation in [put, .patchGroup(patch: patch), .deleteGroup] {
      #expect(fixture.decide(operation, on: id, expecting: [2]).status == 412)
    }
    #expect(fixture.groupRecord(id)?.displayName == "Data team")
    #expect(fixture.decide(put, on: id, expecting: [1]).status == 200)
    #expect(fixture.decide(.patchGroup(patch: patch), on: id, expecting: [2]).status == 200)
    #expect(fixture.decide(.deleteGroup, on: id, expecting: [3]).status == 204)
    #expect(fixture.decide(put, on: id, expecting: [3]).status == 404)
  }

  @Test("Of several writers with the same version only one succeeds, within a batch and across processes", .timeLimit(.minutes(10)))
  func race() async throws {
    let store = try await StoreDatabase.start()
    let id = ResourceID.made(at: Date())
    let (one, other) = (store.process(), store.process())
    _ = try await one.execute([store.createUser("ana@example.com", on: id)])
    func write(_ name: String, _ version: Int64) -> Command {
      var command = store.command(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com","title":"\#(name)"}"#)), on: id)
      command.expectedVersions = [version]
      return command
    }
    for round in 1...20 as ClosedRange<Int64> {
      async let first = one.execute([write("a\(round)", round), write("b\(round)", round)])
      async let second = other.execute([write("c\(round)", round), write("d\(round)", round)])
      #expect(try await (first + second).map(\.outcome.status).sorted() == [200, 412, 412, 412], "round \(round)")
    }
    #expect(try await store.count("select version from identity.users") == 21)
  }
}
