import Foundation
import Models
import Testing

@testable import IdentityStore

@Suite("Decisions on workspaces' own schemas")
struct ExtensionDecisionTests {
  private static let urn = "urn:example:scim:schemas:acme:2.0:User"
  private static let acme = SchemaExtension(
    id: urn, name: "Acme", attributes: [.init(name: "badge", type: .integer, mutability: .immutable), .init(name: "floor", type: .integer)])

  private func settings(_ bench: Bench, _ extensions: [SchemaExtension]) -> WorkspaceSettings {
    var settings = bench.decider.state.workspaces[Bench.workspace]!.settings
    settings.extensions = extensions
    return settings
  }

  private func document(_ id: ResourceID, in bench: Bench) -> String {
    String(decoding: bench.user(id)?.document ?? [], as: UTF8.self)
  }

  @Test("Attributes are stored once the workspace has the schema, and dropped when the schema is removed")
  func lifetime() {
    var bench = Bench()
    let json = #"{"userName":"ana@example.com","\#(Self.urn)":{"badge":7,"floor":1}}"#
    let (id, _) = bench.createUser(json)
    #expect(!document(id, in: bench).contains("badge"))
    #expect(bench.decide(.updateWorkspace(settings(bench, [Self.acme])), on: Bench.workspace.resource).status == 204)
    #expect(bench.decide(.replaceUser(document: Bench.user(json)), on: id).status == 200)
    #expect(document(id, in: bench).contains(#""\#(Self.urn)":{"badge":7,"floor":1}"#))
    #expect(document(id, in: bench).contains(#""schemas":["urn:ietf:params:scim:schemas:core:2.0:User","\#(Self.urn)"]"#))
    bench.decide(.updateWorkspace(settings(bench, [])), on: Bench.workspace.resource)
    let patch = bench.patch(#"{"op":"add","path":"title","value":"t"}"#)
    #expect(bench.decide(.patchUser(patch: patch), on: id).status == 200)
    #expect(!document(id, in: bench).contains(Self.urn))
  }

  @Test("An immutable attribute survives a PUT without it, and cannot get another value")
  func immutable() {
    var bench = Bench()
    bench.decide(.updateWorkspace(settings(bench, [Self.acme])), on: Bench.workspace.resource)
    let (id, _) = bench.createUser(#"{"userName":"ana@example.com","\#(Self.urn)":{"badge":7}}"#)
    #expect(bench.decide(.replaceUser(document: Bench.user(#"{"userName":"ana@example.com"}"#)), on: id).status == 200)
    #expect(document(id, in: bench).contains(#""badge":7"#))
    let other = #"{"userName":"ana@example.com","\#(Self.urn)":{"badge":8}}"#
    #expect(bench.decide(.replaceUser(document: Bench.user(other)), on: id).error.contains(#""scimType":"mutability""#))
    let patch = bench.patch(#"{"op":"replace","path":"\#(Self.urn):badge","value":8}"#)
    #expect(bench.decide(.patchUser(patch: patch), on: id).error.contains(#""scimType":"mutability""#))
    #expect(bench.user(id)?.version == 1)
  }

  @Test("An invalid schema is refused, and the settings stay the same")
  func refused() {
    var bench = Bench()
    let wrong = SchemaExtension(id: Self.urn, name: "Acme", attributes: [.init(name: "a"), .init(name: "A")])
    let outcome = bench.decide(.updateWorkspace(settings(bench, [wrong])), on: Bench.workspace.resource)
    #expect(outcome.status == 400)
    #expect(outcome.error.contains("two attributes named 'A'"))
    #expect(bench.decider.state.workspaces[Bench.workspace]?.settings.extensions.isEmpty == true)
  }
}
