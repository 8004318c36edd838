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

  @Test("A userName in another form is taken, and creates no second user and no second invitation", arguments: forms, forms)
  func uniqueness(first: String, second: String) throws {
    var bench = Bench()
    let (id, created) = bench.createUser(Self.user(first))
    #expect(created.status == 201)
    let (_, outcome) = bench.createUser(Self.user(second))
    #expect(outcome.status == 409)
    #expect(outcome.error.contains(#""scimType":"uniqueness""#))
    #expect(outcome.error.contains(id.description))
    #expect(bench.userChanges == [.created])
    // Byte by byte as sent.
    #expect(try #require(bench.user(id)).userName.utf8.elementsEqual(first.utf8))
  }

  @Test("A rename to a form of another user's name is refused, one to another form of the own name is not")
  func renaming() throws {
    var bench = Bench()
    let (ana, _) = bench.createUser(Self.user("ana@example.com"))
    let (jose, _) = bench.createUser(Self.user(Self.forms[0]))
    let rename = bench.patch(#"{"op":"replace","path":"userName","value":"\#(Self.forms[1])"}"#)
    #expect(bench.decide(.patchUser(patch: rename), on: ana).status == 409)
    #expect(bench.decide(.patchUser(patch: rename), on: jose).status == 200)
    #expect(try #require(bench.user(jose)).userName.utf8.elementsEqual(Self.forms[1].utf8))
    #expect(bench.decide(.replaceUser(document: Bench.user(Self.user(Self.forms[3]))), on: ana).status == 409)
    #expect(bench.createUser(Self.user(Self.forms[2])).outcome.status == 409)
  }

  @Test("A disabled user gets the old id again, in whatever form the name is sent", arguments: forms)
  func relinking(form: String) {
    var bench = Bench()
    let (id, _) = bench.createUser(Self.user(Self.forms[0]))
    bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","value":{"active":false}}"#)), on: id)
    let (again, outcome) = bench.createUser(Self.user(form))
    #expect(outcome.status == 201)
    #expect(again == id)
  }

  @Test("A sign-in with another form of the userName or of the address promotes", arguments: forms)
  func signIn(form: String) throws {
    var bench = Bench()
    let (byName, _) = bench.createUser(Self.user(Self.forms[1]))
    bench.decide(.promoteUser(SignIn(workspace: Bench.workspace, email: form, user: nil, signedInAt: Bench.start)), on: byName)
    #expect(bench.user(byName)?.state == .active)

    var other = Bench()
    let (byAddress, _) = other.createUser(Self.user("jose", #","emails":[{"value":"\#(Self.forms[0])"}]"#))
    other.decide(.promoteUser(SignIn(workspace: Bench.workspace, email: form, user: nil, signedInAt: Bench.start)), on: byAddress)
    #expect(other.user(byAddress)?.state == .active)
  }

  @Test("A sign-in before provisioning counts for every form of the address", arguments: forms)
  func earlySignIn(form: String) {
    var bench = Bench()
    let signIn = SignIn(workspace: Bench.workspace, email: Self.forms[1], user: nil, signedInAt: Bench.start)
    bench.decide(.promoteUser(signIn), on: bench.id())
    let (id, _) = bench.createUser(Self.user(form))
    #expect(bench.user(id)?.state == .active)
  }

  @Test("Groups whose names look the same are one", arguments: ["N10 app ", "\u{200B}N10 app", "n10 APP\u{A0}", "\u{FEFF}N10 app\n"])
  func groups(name: String) throws {
    var bench = Bench()
    let (id, _) = bench.createGroup("N10 app")
    let escaped = name.replacing("\n", with: "\\n")
    let (_, outcome) = bench.createGroup(escaped)
    #expect(outcome.status == 409)
    #expect(outcome.error.contains(id.description))
    let (other, _) = bench.createGroup("Other")
    #expect(
      bench.decide(.patchGroup(patch: bench.patch(#"{"op":"replace","path":"displayName","value":"\#(escaped)"}"#)), on: other).status
        == 409)
    #expect(
      bench.decide(.patchGroup(patch: bench.patch(#"{"op":"replace","path":"displayName","value":"\#(escaped)"}"#)), on: id).status == 200)
    #expect(try #require(bench.groupRecord(id)).displayName == name)
  }

  @Test("A name of whitespace and zero-width characters counts as empty")
  func blankNames() {
    var bench = Bench()
    #expect(bench.createUser(Self.user("\u{200B} \u{FEFF}")).outcome.status == 400)
    #expect(bench.createGroup("\u{2060}").outcome.status == 400)
  }

  @Test("A name whose key is longer than the bound of names is refused, before the database's index refuses it")
  func longKeys() {
    // In NFC it is three characters of four bytes each.
    let name = String(repeating: "\u{1D160}", count: 250)
    #expect(bench(name).status == 400)
    #expect(bench(String(name.unicodeScalars.prefix(80))).status == 201)

    func bench(_ name: String) -> Reply.Outcome {
      var bench = Bench()
      return bench.createUser(Self.user(name)).outcome
    }
  }

  @Test("Roles are matched by their keys, which are unique in a workspace")
  func roles() throws {
    var bench = Bench(customRoles: ["Cr\u{E9}atif"])
    let (id, outcome) = bench.createUser(Self.user("ana@example.com", ",\"secodaRole\":\" CRE\u{301}ATIF \""))
    #expect(outcome.status == 201)
    #expect(bench.user(id)?.role == "Cr\u{E9}atif")
    #expect(bench.createUser(Self.user("ben@example.com", ",\"secodaRole\":\"Admin\u{200B}\"")).outcome.status == 201)
    var settings = try #require(bench.decider.state.workspaces[Bench.workspace]?.settings)
    settings.customRoles = ["Cr\u{E9}atif", "cre\u{301}atif "]
    #expect(bench.decide(.updateWorkspace(settings), on: Bench.workspace.resource).status == 400)
  }

  @Test("A user with a duplicate name from an older version keeps it, is found by id only, and can be changed and disabled")
  func duplicates() throws {
    var bench = Bench()
    let (holder, _) = bench.createUser(Self.user(Self.forms[0]))
    let (id, _) = bench.createUser(Self.user("other@example.com"))
    var twin = try #require(bench.user(id))
    twin.userName = Self.forms[1]
    twin.document = Array(String(decoding: twin.document, as: UTF8.self).replacing("other@example.com", with: Self.forms[1]).utf8)
    twin.storedNameKey = NameKey.duplicate(twin.key).name
    bench.decider.state.update(twin)
    #expect(bench.decider.state.user(named: NameKey(workspace: Bench.workspace, comparing: Self.forms[1]))?.key.id == holder)
    let title = bench.patch(#"{"op":"replace","path":"title","value":"x"}"#)
    #expect(bench.decide(.patchUser(patch: title), on: id).status == 200)
    #expect(bench.user(id)?.storedNameKey != nil)
    #expect(bench.decide(.patchUser(patch: bench.patch(#"{"op":"replace","value":{"active":false}}"#)), on: id).status == 200)
    #expect(bench.user(id)?.state == .disabled)
    let rename = bench.patch(#"{"op":"replace","path":"userName","value":"free@example.com"}"#)
    #expect(bench.decide(.patchUser(patch: rename), on: id).status == 200)
    #expect(bench.user(id)?.storedNameKey == nil)
    #expect(bench.decider.state.user(named: NameKey(workspace: Bench.workspace, comparing: "free@example.com"))?.key.id == id)
    #expect(bench.decider.state.user(named: NameKey(workspace: Bench.workspace, comparing: Self.forms[1]))?.key.id == holder)
  }
}
