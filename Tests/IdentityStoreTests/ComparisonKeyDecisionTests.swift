import Foundation
import Models
import SCIM
import Testing

@testable import IdentityStore

@Suite("Decisions on names that are equal by their comparison key")
struct ComparisonKeyDecisionTests {
  /// Composed, decomposed, in capitals, and with ignored characters at both ends.
  static let forms = ["jos\u{E9}@example.com", "jose\u{301}@example.com", "JOSE\u{301}@EXAMPLE.COM", " jos\u{E9}@example.com\u{200B} "]

  private static func user(_ name: String, _ more: String = "") -> String { #"{"userName":"\#(name)"\#(more)}"# }

  @Test(
    "Another form of an existing userName is a conflict, and creates neither a second user nor a second invitation", arguments: forms, forms
  )
  func uniqueness(first: String, second: String) throws {
    var fixture = Fixture()
    let (id, created) = fixture.createUser(Self.user(first))
    #expect(created.status == 201)
    let (_, outcome) = fixture.createUser(Self.user(second))
    #expect(outcome.status == 409)
    #expect(outcome.error.contains(#""scimType":"uniqueness""#))
    #expect(outcome.error.contains(id.description))
    #expect(fixture.userChanges == [.created])
    // The name is stored byte for byte as sent.
    #expect(try #require(fixture.user(id)).userName.utf8.elementsEqual(first.utf8))
  }

  @Test("A user can be renamed to another form of their own name, but not to a form of another user's name")
  func renaming() throws {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(Self.user("ana@example.com"))
    let (jose, _) = fixture.createUser(Self.user(Self.forms[0]))
    let rename = fixture.patch(#"{"op":"replace","path":"userName","value":"\#(Self.forms[1])"}"#)
    #expect(fixture.decide(.patchUser(patch: rename), on: ana).status == 409)
    #expect(fixture.decide(.patchUser(patch: rename), on: jose).status == 200)
    #expect(try #require(fixture.user(jose)).userName.utf8.elementsEqual(Self.forms[1].utf8))
    #expect(fixture.decide(.replaceUser(document: Fixture.user(Self.user(Self.forms[3]))), on: ana).status == 409)
    #expect(fixture.createUser(Self.user(Self.forms[2])).outcome.status == 409)
  }

  @Test("A disabled user who is created again with any form of the name keeps their id", arguments: forms)
  func relinking(form: String) {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(Self.user(Self.forms[0]))
    fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","value":{"active":false}}"#)), on: id)
    let (again, outcome) = fixture.createUser(Self.user(form))
    #expect(outcome.status == 201)
    #expect(again == id)
  }

  @Test("A sign-in with another form of the userName or of the address activates the user", arguments: forms)
  func signIn(form: String) throws {
    var fixture = Fixture()
    let (byName, _) = fixture.createUser(Self.user(Self.forms[1]))
    fixture.decide(.promoteUser(SignIn(workspace: Fixture.workspace, email: form, user: nil, signedInAt: Fixture.start)), on: byName)
    #expect(fixture.user(byName)?.state == .active)

    var other = Fixture()
    let (byAddress, _) = other.createUser(Self.user("jose", #","emails":[{"value":"\#(Self.forms[0])"}]"#))
    other.decide(.promoteUser(SignIn(workspace: Fixture.workspace, email: form, user: nil, signedInAt: Fixture.start)), on: byAddress)
    #expect(other.user(byAddress)?.state == .active)
  }

  @Test("A sign-in before provisioning applies to every form of the address", arguments: forms)
  func earlySignIn(form: String) {
    var fixture = Fixture()
    let signIn = SignIn(workspace: Fixture.workspace, email: Self.forms[1], user: nil, signedInAt: Fixture.start)
    fixture.decide(.promoteUser(signIn), on: fixture.id())
    let (id, _) = fixture.createUser(Self.user(form))
    #expect(fixture.user(id)?.state == .active)
  }

  @Test(
    "Group names with the same comparison key are a conflict",
    arguments: ["N10 app ", "\u{200B}N10 app", "n10 APP\u{A0}", "\u{FEFF}N10 app\n"])
  func groups(name: String) throws {
    var fixture = Fixture()
    let (id, _) = fixture.createGroup("N10 app")
    let escaped = name.replacing("\n", with: "\\n")
    let (_, outcome) = fixture.createGroup(escaped)
    #expect(outcome.status == 409)
    #expect(outcome.error.contains(id.description))
    let (other, _) = fixture.createGroup("Other")
    #expect(
      fixture.decide(.patchGroup(patch: fixture.patch(#"{"op":"replace","path":"displayName","value":"\#(escaped)"}"#)), on: other).status
        == 409)
    #expect(
      fixture.decide(.patchGroup(patch: fixture.patch(#"{"op":"replace","path":"displayName","value":"\#(escaped)"}"#)), on: id).status
        == 200)
    #expect(try #require(fixture.groupRecord(id)).displayName == name)
  }

  @Test("A name of whitespace and zero-width characters counts as empty")
  func blankNames() {
    var fixture = Fixture()
    #expect(fixture.createUser(Self.user("\u{200B} \u{FEFF}")).outcome.status == 400)
    #expect(fixture.createGroup("\u{2060}").outcome.status == 400)
  }

  @Test("A name whose key exceeds the bound of names is refused before it reaches the index in the database")
  func longKeys() {
    // In NFC it is three characters of four bytes each.
    let name = String(repeating: "\u{1D160}", count: 250)
    #expect(fixture(name).status == 400)
    #expect(fixture(String(name.unicodeScalars.prefix(80))).status == 201)

    func fixture(_ name: String) -> Reply.Outcome {
      var fixture = Fixture()
      return fixture.createUser(Self.user(name)).outcome
    }
  }

  @Test("Roles are matched by their keys, which are unique in a workspace")
  func roles() throws {
    var fixture = Fixture(customRoles: ["Cr\u{E9}atif"])
    let (id, outcome) = fixture.createUser(Self.user("ana@example.com", ",\"secodaRole\":\" CRE\u{301}ATIF \""))
    #expect(outcome.status == 201)
    #expect(fixture.user(id)?.role == "Cr\u{E9}atif")
    #expect(fixture.createUser(Self.user("ben@example.com", ",\"secodaRole\":\"Admin\u{200B}\"")).outcome.status == 201)
    var settings = try #require(fixture.decider.state.workspaces[Fixture.workspace]?.settings)
    settings.customRoles = ["Cr\u{E9}atif", "cre\u{301}atif "]
    #expect(fixture.decide(.updateWorkspace(settings), on: Fixture.workspace.resource).status == 400)
  }

  @Test("A user with a duplicate name from an older version keeps it, is found by id only, and can be changed and disabled")
  func duplicates() throws {
    var fixture = Fixture()
    let (nameOwner, _) = fixture.createUser(Self.user(Self.forms[0]))
    let (id, _) = fixture.createUser(Self.user("other@example.com"))
    var duplicate = try #require(fixture.user(id))
    duplicate.userName = Self.forms[1]
    duplicate.document = Array(String(decoding: duplicate.document, as: UTF8.self).replacing("other@example.com", with: Self.forms[1]).utf8)
    duplicate.storedNameKey = NameKey.duplicate(duplicate.key).name
    fixture.decider.state.update(duplicate)
    #expect(fixture.decider.state.user(named: NameKey(workspace: Fixture.workspace, comparing: Self.forms[1]))?.key.id == nameOwner)
    let title = fixture.patch(#"{"op":"replace","path":"title","value":"x"}"#)
    #expect(fixture.decide(.patchUser(patch: title), on: id).status == 200)
    #expect(fixture.user(id)?.storedNameKey != nil)
    #expect(fixture.decide(.patchUser(patch: fixture.patch(#"{"op":"replace","value":{"active":false}}"#)), on: id).status == 200)
    #expect(fixture.user(id)?.state == .disabled)
    let rename = fixture.patch(#"{"op":"replace","path":"userName","value":"free@example.com"}"#)
    #expect(fixture.decide(.patchUser(patch: rename), on: id).status == 200)
    #expect(fixture.user(id)?.storedNameKey == nil)
    #expect(fixture.decider.state.user(named: NameKey(workspace: Fixture.workspace, comparing: "free@example.com"))?.key.id == id)
    #expect(fixture.decider.state.user(named: NameKey(workspace: Fixture.workspace, comparing: Self.forms[1]))?.key.id == nameOwner)
  }
}
