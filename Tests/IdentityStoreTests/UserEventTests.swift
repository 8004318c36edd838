import Foundation
import Models
import SCIM
import Testing

@testable import IdentityStore

@Suite("The event of a user")
struct UserEventTests {
  private static let acme = "urn:example:scim:schemas:acme:2.0:User"
  private static let enterprise = SchemaDefinition.enterpriseUserID

  private static let ana = """
    {"userName":"ana@example.com","externalId":"00u1","title":"Engineer","name":{"givenName":"Ana","familyName":"Silva"},
    "\(enterprise)":{"department":"Research","manager":{"value":"26118915"}},
    "\(acme)":{"costCenter":"R-17","floor":3,"share":0.5,"badges":["a","b"]}}
    """

  private static func fixture() throws -> Fixture {
    var fixture = Fixture()
    var workspace = try #require(fixture.decider.state.workspaces[Fixture.workspace])
    workspace.settings.extensions = [
      SchemaExtension(
        id: acme, name: "Acme",
        attributes: [
          .init(name: "costCenter"), .init(name: "floor", type: .integer), .init(name: "share", type: .decimal),
          .init(name: "badges", multiValued: true),
        ])
    ]
    fixture.decider.state.load(workspace)
    return fixture
  }

  private func events(_ fixture: Fixture) -> [UserChanged] {
    fixture.decider.events.compactMap { if case .userChanged(let event) = $0.event { event } else { nil } }
  }

  @Test("has the complete profile, whether its document is at hand or read from the store")
  func complete() throws {
    var fixture = try Self.fixture()
    let (id, outcome) = fixture.createUser(Self.ana)
    try #require(outcome.status == 201, "\(outcome.error)")
    fixture.decide(.promoteUser(SignIn(workspace: Fixture.workspace, email: nil, user: id.user, signedInAt: Fixture.start)), on: id)
    fixture.decide(.restate(Restatement(users: [id.user])), on: id)
    let events = events(fixture)
    #expect(events.map(\.change) == [.created, .activated, .restated])
    for event in events {
      #expect(event.omitted == nil)
      #expect(event.user.externalID == "00u1" && event.user.accountID == nil)
      #expect(event.user.title == "Engineer")
      #expect(event.user.department == "Research")
      #expect(event.user.manager == ManagerReference(value: "26118915"))
      let share = JSONValue.decimal(try #require(Decimal(string: "0.5")))
      #expect(
        event.user.attributes == [
          Self.acme: .object([
            "costCenter": .string("R-17"), "floor": .integer(3), "share": share, "badges": .array([.string("a"), .string("b")]),
          ])
        ])
    }
  }

  @Test("has an empty object if there are no custom attributes, so that consumers know that it is complete")
  func plain() throws {
    var fixture = Fixture()
    fixture.createUser(#"{"userName":"ana@example.com"}"#)
    let user = try #require(events(fixture).first).user
    #expect(user.attributes == [:] && user.title == nil && user.department == nil && user.manager == nil)
  }

  @Test("omits what only the document has if the stored document cannot be read")
  func unreadable() throws {
    var fixture = Fixture()
    let (id, _) = fixture.createUser(#"{"userName":"ana@example.com","title":"Engineer"}"#)
    var user = try #require(fixture.user(id))
    user.document = Array("{".utf8)
    fixture.decider.publishChange(of: user, .restated)
    let event = try #require(events(fixture).last)
    #expect(event.user.userName == "ana@example.com" && event.user.title == nil)
    #expect(event.omits("title") && event.omits("department") && event.omits("manager") && event.omits("attributes"))
  }
}
