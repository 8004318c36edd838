import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on custom schemas")
struct ExtensionDecisionTests {
  private static let urn = "urn:example:scim:schemas:acme:2.0:User"
  private static let acme = SchemaExtension(
    id: urn, name: "Acme", attributes: [.init(name: "badge", type: .integer, mutability: .immutable), .init(name: "floor", type: .integer)])

  private func settings(_ fixture: Fixture, _ extensions: [SchemaExtension]) -> WorkspaceSettings {
    var settings = fixture.decider.state.workspaces[Fixture.workspace]!.settings
    settings.extensions = extensions
    return settings
  }

  private func document(_ id: ResourceID, in fixture: Fixture) -> String {
    String(decoding: fixture.user(id)?.document ?? [], as: UTF8.self)
  }

  @Test("Attributes are stored once the workspace has the schema, and dropped when the schema is removed")
  func lifetime() {
    var fixture = Fixture()
    let json = #"{"userName":"ana@example.com","\#(Self.urn)":{"badge":7,"floor":1}}"#
    let (id, _) = fixture.createUser(json)
    #expect(!document(id, in: fixture).contains("badge"))
    #expect(fixture.decide(.updateWorkspace(settings(fixture, [Self.acme])), on: Fixture.workspace.resource).status == 204)
    #expect(fixture.decide(.replaceUser(document: Fixture.user(json)), on: id).status == 200)
    #expect(document(id, in: fixture).contains(#""\#(Self.urn)":{"badge":7,"floor":1}"#))
    #expect(document(id, in: fixture).contains(#""schemas":["urn:ietf:params:scim:schemas:core:2.0:User","\#(Self.urn)"]"#))
    fixture.decide(.updateWorkspace(settings(fixture, [])), on: Fixture.workspace.resource)
    let patch = fixture.patch(#"{"op":"add","path":"title","value":"t"}"#)
    #expect(fixture.decide(.patchUser(patch: patch), on: id).status == 200)
    #expect(!document(id, in: fixture).contains(Self.urn))
  }

  @Test("An immutable attribute survives a PUT without it, and cannot get another value")
  func immutable() {
    var fixture = Fixture()
    fixture.decide(.updateWorkspace(settings(fixture, [Self.acme])), on: Fixture.workspace.resource)
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","\#(Self.urn)":{"badge":7}}"#)
    #expect(fixture.decide(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com"}"#)), on: id).status == 200)
    #expect(document(id, in: fixture).contains(#""badge":7"#))
    let other = #"{"userName":"ana@example.com","\#(Self.urn)":{"badge":8}}"#
    #expect(fixture.decide(.replaceUser(document: Fixture.user(other)), on: id).error.contains(#""scimType":"mutability""#))
    let patch = fixture.patch(#"{"op":"replace","path":"\#(Self.urn):badge","value":8}"#)
    #expect(fixture.decide(.patchUser(patch: patch), on: id).error.contains(#""scimType":"mutability""#))
    #expect(fixture.user(id)?.version == 1)
  }

  @Test("An invalid schema is refused, and the settings stay the same")
  func refused() {
    var fixture = Fixture()
    let wrong = SchemaExtension(id: Self.urn, name: "Acme", attributes: [.init(name: "a"), .init(name: "A")])
    let outcome = fixture.decide(.updateWorkspace(settings(fixture, [wrong])), on: Fixture.workspace.resource)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains("two attributes named 'A'"))
    #expect(fixture.decider.state.workspaces[Fixture.workspace]?.settings.extensions.isEmpty == true)
  }

  @Test("A document that scim-api validated is validated again only if the settings have changed since then")
  func settingsVersion() {
    var fixture = Fixture()
    fixture.decide(.updateWorkspace(settings(fixture, [Self.acme])), on: Fixture.workspace.resource)
    let present = fixture.decider.state.workspaces[Fixture.workspace]!.version
    func create(_ name: String, validatedWith version: Int64?) -> (id: ResourceID, outcome: Reply.Outcome) {
      let id = fixture.id()
      // An attribute that validation drops shows whether the document was validated.
      let json = #"{"userName":"\#(name)","nonsense":1,"\#(Self.urn)":{"badge":7}}"#
      var command = fixture.command(.createUser(document: Fixture.user(json)), on: id)
      command.settingsVersion = version
      return (id, fixture.decider.decide(ParsedCommand(command)).outcome)
    }
    let (trusted, first) = create("ana@example.com", validatedWith: present)
    #expect(first.status == 201)
    #expect(document(trusted, in: fixture).contains("nonsense"))
    for (name, version) in [("ben@example.com", present - 1), ("cho@example.com", nil)] {
      let (id, outcome) = create(name, validatedWith: version)
      #expect(outcome.status == 201)
      #expect(!document(id, in: fixture).contains("nonsense"))
      #expect(document(id, in: fixture).contains("badge"))
    }
    fixture.decide(.updateWorkspace(settings(fixture, [])), on: Fixture.workspace.resource)
    let (late, last) = create("dan@example.com", validatedWith: present)
    #expect(last.status == 201)
    #expect(!document(late, in: fixture).contains("nonsense"))
    #expect(!document(late, in: fixture).contains("badge"))
  }

  @Test("A group that scim-api validated is validated again only if the settings have changed since then")
  func settingsVersionOfGroup() throws {
    var fixture = Fixture()
    let (ana, _) = fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let version = fixture.decider.state.workspaces[Fixture.workspace]!.version
    for (name, validatedWith, isKept) in [("Data", version, true), ("Sales", version + 1, false)] {
      let id = fixture.id()
      let json =
        #"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"\#(name)","nonsense":1,"#
        + #""members":[{"value":"\#(ana)"}]}"#
      for operation in [Command.Operation.createGroup(document: Array(json.utf8)), .replaceGroup(document: Array(json.utf8))] {
        var command = fixture.command(operation, on: id)
        command.settingsVersion = validatedWith
        #expect(fixture.decider.decide(ParsedCommand(command)).outcome.error == "")
        let stored = String(decoding: try #require(fixture.groupRecord(id)).document, as: UTF8.self)
        #expect(stored.contains("nonsense") == isKept)
        #expect(!stored.contains("members"))
        #expect(fixture.members(of: id) == [ana.user])
      }
    }
  }
}
