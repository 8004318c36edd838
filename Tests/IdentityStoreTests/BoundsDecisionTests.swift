import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Bounds in decisions")
struct BoundsDecisionTests {
  @Test(
    "Every method refuses a value beyond a bound with an error that names the bound, and changes nothing",
    arguments: [
      (#""userName":"\#(text(1025))""#, "1024"), (#""userName":"ana@example.com","externalId":"\#(text(1025))""#, "1024"),
      (#""userName":"ana@example.com","emails":[{"value":"\#(text(1025))"}]"#, "1024"),
      (#""userName":"ana@example.com","title":"\#(text(8193))""#, "8192"),
      (#""userName":"ana@example.com","photos":[{"value":"\#(text(262_145))"}]"#, "262144"),
    ])
  func refused(attributes: String, bound: String) {
    var fixture = Fixture()
    #expect(fixture.createUser("{\(attributes)}").outcome.error.contains(bound))
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let put = fixture.decide(.replaceUser(document: Fixture.user("{\(attributes)}")), on: id)
    #expect(put.status == 400 && put.error.contains(bound), "\(put.error)")
    let patch = fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","value":{\#(attributes)}}"#)), on: id)
    #expect(patch.status == 400 && patch.error.contains(bound), "\(patch.error)")
    #expect(fixture.user(id)?.version == 1)
  }

  @Test("A user who was stored before bounds existed can be sent unchanged, shortened, disabled and enabled again")
  func stored() throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","title":"T"}"#)
    let long = text(9000)
    var user = try #require(fixture.user(id))
    user.document = Array(String(decoding: user.document, as: UTF8.self).replacing(#""title":"T""#, with: #""title":"\#(long)""#).utf8)
    fixture.decider.state.update(user)
    func put(_ attributes: String) -> Int {
      fixture.decide(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com",\#(attributes)}"#)), on: id).status
    }
    #expect(put(#""title":"\#(long)","active":false"#) == 200)
    #expect(fixture.user(id)?.state == .disabled)
    #expect(put(#""title":"\#(long)","active":true,"nickName":"A""#) == 200)
    #expect(fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: id).status == 200)
    #expect(put(#""title":"\#(long)b""#) == 400)
    #expect(fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"remove","path":"title"}"#)), on: id).status == 200)
    #expect(put(#""title":"\#(long)""#) == 400)
  }

  @Test("A PATCH that exceeds the work budget is refused with tooMany, and the reply is recorded")
  func budget() {
    var fixture = Fixture()
    let emails = (0..<1000).map { #"{"value":"u\#($0)@example.com"}"# }.joined(separator: ",")
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","emails":[\#(emails)]}"#)
    let operations = (0..<1000).map { #"{"op":"replace","path":"emails[value eq \"u\#($0)@example.com\"].display","value":"x"}"# }
    let command = fixture.command(.patchUser(patch: fixture.patch(operations.joined(separator: ","))), on: id)
    let reply = fixture.decider.decide(ParsedCommand(command))
    #expect(reply.outcome.status == 400)
    #expect(reply.outcome.error.contains(#""scimType":"tooMany""#))
    #expect(fixture.decider.recorded.last?.reply == reply)
    #expect(fixture.user(id)?.version == 1)
  }

  @Test("Of many replacements of a group's members only the last has an effect, and they cost no more than one")
  func replacements() {
    var fixture = Fixture()
    let users = (0..<3).map { fixture.createUser(#"{"userName":"u\#($0)@example.com"}"#).id }
    let (group, _) = fixture.createGroup("Data team", members: [users[0]])
    func replace(_ user: ResourceID) -> String { #"{"op":"replace","path":"members","value":[{"value":"\#(user)"}]}"# }
    let operations = (0..<500).map { replace(users[$0 % 3]) } + [#"{"op":"add","path":"members","value":[{"value":"\#(users[0])"}]}"#]
    #expect(fixture.decide(.patchGroup(patch: fixture.patch(operations.joined(separator: ","))), on: group).status == 200)
    #expect(fixture.members(of: group) == [users[1].user, users[0].user])
  }

  @Test("Token names are bounded in bytes, since one character can have any number of bytes")
  func tokens() {
    var fixture = Fixture()
    let name = "a" + String(repeating: "\u{301}", count: 2000)
    let grant = TokenGrant(
      token: TokenID(fixture.id().uuid), name: name, scopes: [.scim], digest: String(repeating: "07", count: 32), expiresAt: nil)
    let outcome = fixture.decide(.issueToken(grant), on: Fixture.workspace.resource)
    #expect(outcome.status == 400 && outcome.error.contains("1024"), "\(outcome.error)")
  }
}

/// A text of `count` characters.
private func text(_ count: Int) -> String { String(repeating: "a", count: count) }
