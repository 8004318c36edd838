import Foundation
import Models
import SCIM
import Testing

@testable import IdentityStore

@Suite("A write that disables a user")
struct DeactivationDecisionTests {
  private static let ana = #"{"userName":"ana@example.com","title":"t","secodaRole":"editor","emails":[{"value":"ana@example.com"}]}"#

  private func unapplied(_ outcome: Reply.Outcome) throws -> [UnappliedChange] {
    guard case .resource(let resource, created: false) = outcome else {
      Issue.record("\(outcome.error)")
      return []
    }
    return try resource.unapplied.map { UnappliedChange.list(reading: try JSON(parsing: $0)) } ?? []
  }

  private func attribute(_ name: String, of id: ResourceID, _ fixture: Fixture) throws -> JSON? {
    let document = try #require(fixture.user(id)).document
    return try JSON(parsing: document + Array("}}".utf8)).object?[name]
  }

  @Test(
    "A PATCH is applied as far as possible, and the reply lists the rest",
    arguments: [
      (#"{"op":"replace","path":"secodaRole","value":"Owner"}"#, ["secodaRole"]),
      (#"{"op":"replace","value":{"nickName":"n","title":{"x":1}}}"#, ["title"]),
      (#"{"op":"replace","path":"userName","value":"BEN@example.com"}"#, ["userName"]),
      (#"{"op":"replace","path":"userName","value":" "}"#, ["userName"]), (#"{"op":"remove","path":"userName"}"#, ["userName"]),
      (#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}"#, [#"emails[type eq "work"].value"#]),
      (#"{"op":"replace","path":"nope","value":1}"#, ["nope"]),
      (#"{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}"#, ["emails"]),
      (#"{"op":"add","path":"emails.primary","value":true},{"op":"add","path":"emails","value":{"value":"c"}}"#, []),
    ])
  func patch(operation: String, expected: [String]) throws {
    for order in [[operation, Self.disabling], [Self.disabling, operation]] {
      var fixture = Fixture()
      let (id, _) = fixture.createUser(Self.ana)
      fixture.createUser(#"{"userName":"ben@example.com"}"#)
      let more = #"{"op":"replace","path":"displayName","value":"Ana"}"#
      let outcome = fixture.decide(.patchUser(patch: fixture.patch((order + [more]).joined(separator: ","))), on: id)
      #expect(try unapplied(outcome).map(\.path) == expected)
      let user = try #require(fixture.user(id))
      #expect(user.state == .disabled && fixture.userChanges.last == .disabled)
      #expect((user.displayName, user.userName, user.role) == ("Ana", "ana@example.com", "editor"))
      #expect(try attribute("title", of: id, fixture) == "t")
      #expect(try attribute("secodaRole", of: id, fixture) == "editor")
      #expect(try attribute("active", of: id, fixture) == false)
    }
  }

  private static let disabling = #"{"op":"replace","path":"active","value":false}"#

  @Test(
    "A PUT is applied as far as possible, and other attributes keep their values",
    arguments: [
      (#"{"userName":"ana@example.com","active":false,"secodaRole":"Owner","displayName":"Ana","title":"t"}"#, ["secodaRole"]),
      (#"{"userName":"ben@example.com","active":false,"secodaRole":"editor","displayName":"Ana","title":"t"}"#, ["userName"]),
      (#"{"active":false,"secodaRole":"editor","displayName":"Ana","title":5}"#, ["title", "userName"]),
      (
        #"{"userName":"ana@example.com","active":false,"secodaRole":"editor","displayName":"Ana","urn:rollcall:params:scim:unapplied":[{"path":"title","detail":"d"}]}"#,
        ["title"]
      ),
    ])
  func replacement(json: String, expected: [String]) throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    fixture.createUser(#"{"userName":"ben@example.com"}"#)
    let outcome = fixture.decide(.replaceUser(document: Fixture.user(json)), on: id)
    #expect(try unapplied(outcome).map(\.path) == expected)
    let user = try #require(fixture.user(id))
    #expect(user.state == .disabled)
    #expect((user.displayName, user.userName, user.role) == ("Ana", "ana@example.com", "editor"))
    #expect(try attribute("title", of: id, fixture) == "t")
    // Attributes that the PUT omits are cleared, as usual.
    #expect(try attribute("emails", of: id, fixture) == nil)
  }

  @Test("Attributes beyond a bound keep their values, alone or all together", arguments: [true, false])
  func bounds(isPatch: Bool) throws {
    let title = String(repeating: "t", count: ResourceBounds.text + 1)
    let address = #"{"formatted":"\#(String(repeating: "a", count: ResourceBounds.text - 100))","type":"#
    let addresses = (0..<100).map { address + #""\#($0)"}"# }.joined(separator: ",")
    for (attribute, value) in [("title", #""\#(title)""#), ("addresses", "[\(addresses)]"), ("userName", #""\#(title)""#)] {
      var fixture = Fixture()
      let (id, _) = fixture.createUser(Self.ana)
      let operation: Command.Operation
      if isPatch {
        operation = .patchUser(
          patch: fixture.patch(#"{"op":"replace","value":{"\#(attribute)":\#(value),"displayName":"Ana","active":false}}"#))
      } else {
        let name = attribute == "userName" ? "" : #""userName":"ana@example.com","#
        let put = #"{\#(name)"\#(attribute)":\#(value),"secodaRole":"editor","displayName":"Ana","active":false}"#
        operation = .replaceUser(document: Fixture.user(put))
      }
      let outcome = fixture.decide(operation, on: id)
      #expect(try unapplied(outcome).map(\.path) == [attribute])
      let user = try #require(fixture.user(id))
      #expect(user.state == .disabled && user.userName == "ana@example.com" && user.displayName == "Ana")
      #expect(user.document.count < ResourceBounds.text)
    }
  }

  @Test("A fully applied write lists no attributes, and creates no new version when repeated")
  func fullyApplied() throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    let put = Self.ana.replacing("\"title\"", with: "\"active\":false,\"title\"")
    for _ in 0..<2 {
      let replaced = fixture.decide(.replaceUser(document: Fixture.user(put)), on: id)
      #expect(try unapplied(replaced).isEmpty)
      let patched = fixture.decide(.patchUser(patch: fixture.patch(Self.disabling)), on: id)
      #expect(try unapplied(patched).isEmpty)
    }
    #expect(fixture.user(id)?.version == 2)
  }

  @Test("A version mismatch or an unknown id refuses the write completely, and the change guard keeps the user enabled")
  func limits() throws {
    var fixture = Fixture(changeGuard: ChangeGuard(maximumDeactivations: 0, notify: "admin@example.com"))
    let (id, _) = fixture.createUser(Self.ana)
    let patch = Command.Operation.patchUser(
      patch: fixture.patch(Self.disabling + #",{"op":"replace","path":"secodaRole","value":"Owner"}"#))
    #expect(fixture.decide(patch, on: id, expecting: [7]).status == 412)
    #expect(fixture.decide(patch, on: fixture.id()).status == 404)
    let held = fixture.decide(patch, on: id)
    #expect(try unapplied(held).map(\.path) == ["secodaRole"])
    #expect(fixture.user(id)?.state == .invited)
    #expect(fixture.decider.state.heldChanges.count == 1)
  }

  @Test("Other invalid writes are refused completely")
  func others() {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.ana)
    for operation in [
      #"{"op":"replace","path":"active","value":true},{"op":"replace","path":"secodaRole","value":"Owner"}"#,
      #"{"op":"replace","path":"active","value":false},{"op":"replace","path":"nope","value":1},{"op":"replace","path":"active","value":true}"#,
    ] {
      #expect(fixture.decide(.patchUser(patch: fixture.patch(operation)), on: id).status == 400)
    }
    #expect(fixture.user(id)?.version == 1)
  }
}
