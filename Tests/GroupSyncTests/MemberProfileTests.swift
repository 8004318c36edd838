import Foundation
import Models
import Testing

@testable import GroupSync

@Suite("The profile of a member")
struct MemberProfileTests {
  private static let acme = "urn:example:scim:schemas:acme:2.0:User"
  private let ana = Fixture.user(1)
  private let team = Fixture.group(1)

  private static func complete(_ user: inout UserSnapshot) {
    user.externalID = "00u1"
    user.accountID = "4711"
    user.givenName = "Ana"
    user.familyName = "Silva"
    user.title = "Engineer"
    user.department = "Research"
    user.manager = ManagerReference(value: "\(Fixture.user(9))")
    user.attributes = [acme: .object(["costCenter": .string("R-17"), "floor": .integer(3)])]
  }

  @Test("is in the events of the member")
  func inEvents() throws {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    let member = try #require(fixture.decider.published.first?.event.member)
    #expect(
      member
        == DirectoryMember(
          id: ana, externalID: "00u1", accountID: "4711", userName: Fixture.email(of: ana), email: Fixture.email(of: ana),
          displayName: "Somebody", givenName: "Ana", familyName: "Silva", role: "viewer", state: .active, title: "Engineer",
          department: "Research", manager: ManagerReference(value: "\(Fixture.user(9))"),
          attributes: [Self.acme: .object(["costCenter": .string("R-17"), "floor": .integer(3)])], version: 1))
  }

  /// An attribute, its change, and the old and the new value in the event.
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var from: JSONValue
    var to: JSONValue
    var change: @Sendable (inout UserSnapshot) -> Void
    var testDescription: String { name }
  }

  static let cases: [Case] = [
    Case(name: "externalId", from: .string("00u1"), to: .string("00u2")) { $0.externalID = "00u2" },
    Case(name: "accountId", from: .string("4711"), to: .null) { $0.accountID = nil },
    Case(name: "userName", from: .string(Fixture.email(of: Fixture.user(1))), to: .string("ana")) { $0.userName = "ana" },
    Case(name: "email", from: .string(Fixture.email(of: Fixture.user(1))), to: .null) { $0.email = nil },
    Case(name: "displayName", from: .string("Somebody"), to: .string("Ana Silva")) { $0.displayName = "Ana Silva" },
    Case(name: "givenName", from: .string("Ana"), to: .string("Anna")) { $0.givenName = "Anna" },
    Case(name: "familyName", from: .string("Silva"), to: .string("Sousa")) { $0.familyName = "Sousa" },
    Case(name: "title", from: .string("Engineer"), to: .null) { $0.title = nil },
    Case(name: "department", from: .string("Research"), to: .string("Sales")) { $0.department = "Sales" },
    Case(name: "manager", from: .object(["value": .string("\(Fixture.user(9))")]), to: .object(["displayName": .string("Eva")])) {
      $0.manager = ManagerReference(displayName: "Eva")
    },
    Case(name: "\(acme):costCenter", from: .string("R-17"), to: .null) { $0.attributes = [acme: .object(["floor": .integer(3)])] },
    Case(name: "\(acme):floor", from: .integer(3), to: .integer(4)) {
      $0.attributes = [acme: .object(["costCenter": .string("R-17"), "floor": .integer(4)])]
    },
    Case(name: "\(acme):badge", from: .null, to: .bool(true)) {
      $0.attributes = [acme: .object(["costCenter": .string("R-17"), "floor": .integer(3), "badge": .bool(true)])]
    },
  ]

  @Test("has its changes in an update, with the old and the new value", arguments: cases)
  func changes(_ example: Case) {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    let published = fixture.apply(
      Fixture.userEvent(ana, .updated, .active, version: 2) { user in
        Self.complete(&user)
        example.change(&user)
      })
    #expect(published == [PublishedChange(.memberUpdated, ana)])
    let event = fixture.decider.published.last?.event
    #expect(event?.changes == [example.name: DirectoryEvent.AttributeChange(from: example.from, to: example.to)])
    #expect(event?.member?.version == 2)
  }

  @Test("that did not change causes no event, but its version is kept", arguments: [UserChanged.Change.updated, .restated])
  func unchanged(_ change: UserChanged.Change) {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    #expect(fixture.apply(Fixture.userEvent(ana, change, .active, version: 2, Self.complete)) == [])
    #expect(fixture.member(ana)?.version == 2)
  }

  @Test("of a row without all attributes is completed by a restatement without an event")
  func completed() {
    var fixture = Fixture()
    fixture.apply(Fixture.formerUserEvent(ana, .created, .active, version: 1))
    #expect(fixture.member(ana)?.document == nil)
    #expect(fixture.apply(Fixture.userEvent(ana, .restated, .active, version: 1, Self.complete)) == [])
    #expect(fixture.member(ana)?.presence.content?.details?.title == "Engineer")
    #expect(fixture.member(ana)?.document != nil)
  }

  @Test("of a row without all attributes is completed by an update, whose event says that old values are unknown")
  func completedByUpdate() {
    var fixture = Fixture()
    fixture.apply(Fixture.formerUserEvent(ana, .created, .active, version: 1))
    #expect(fixture.apply(Fixture.userEvent(ana, .updated, .active, version: 2, Self.complete)) == [PublishedChange(.memberUpdated, ana)])
    #expect(fixture.decider.published.last?.event.changes == [:])
    #expect(fixture.decider.published.last?.event.member?.title == "Engineer")
  }

  @Test("keeps its attributes when an earlier version of identity-store sends fewer of them")
  func formerEvent() {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    let published = fixture.apply(Fixture.formerUserEvent(ana, .updated, .active, version: 2, role: "admin"))
    #expect(published == [PublishedChange(.memberUpdated, ana), PublishedChange(.memberRoleChanged, ana)])
    #expect(fixture.decider.published.last?.event.member?.title == "Engineer")
  }

  @Test("without attributes that were too large for the topic keeps their stored values")
  func omitted() throws {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    let large = String(repeating: "x", count: 1 << 20)
    let update = try Fixture.userEvent(ana, .updated, .active, version: 2) { user in
      Self.complete(&user)
      user.title = large
      user.attributes = [Self.acme: .object(["costCenter": .string(large)])]
      user.department = "Sales"
    }.withoutLargeFields()
    #expect(fixture.apply(update) == [PublishedChange(.memberUpdated, ana)])
    let event = fixture.decider.published.last?.event
    #expect(event?.changes == ["department": DirectoryEvent.AttributeChange(from: .string("Research"), to: .string("Sales"))])
    #expect(event?.member?.title == "Engineer" && event?.member?.attributes?.isEmpty == false)
  }

  @Test("is reduced to the ids in the events of a deletion")
  func deleted() {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    let published = fixture.apply(Fixture.userEvent(ana, .deleted, .disabled, version: 2))
    #expect(published == [PublishedChange(.accessRevoked, ana), PublishedChange(.memberDeleted, ana)])
    let member = DirectoryMember(id: ana, accountID: "4711", version: 2)
    #expect(fixture.decider.published.suffix(2).allSatisfy { $0.event.member == member })
  }

  @Test("changes with the state: the state's event comes first, then the update, then memberships")
  func relinked() {
    var fixture = Fixture()
    fixture.apply(
      Fixture.userEvent(ana, .created, .active, version: 1, Self.complete), Fixture.groupEvent(team, .created, version: 1, adding: [ana]),
      Fixture.userEvent(ana, .disabled, .disabled, version: 2, Self.complete))
    let published = fixture.apply(Fixture.userEvent(ana, .enabled, .active, version: 3, role: "admin"))
    #expect(
      published == [
        PublishedChange(.memberActivated, ana), PublishedChange(.memberUpdated, ana), PublishedChange(.memberRoleChanged, ana),
        PublishedChange(.groupMemberAdded, ana, in: team),
      ])
  }

  @Test("has events with a sequence that continues after that of the workspace, without gaps")
  func sequence() {
    var directory = Directory()
    directory.load(41, of: Fixture.workspace)
    var fixture = Fixture(decider: Decider(directory))
    fixture.apply(
      Fixture.userEvent(ana, .created, .active, version: 1), Fixture.groupEvent(team, .created, version: 1, adding: [ana]),
      Fixture.userEvent(ana, .disabled, .disabled, version: 2))
    #expect(fixture.decider.published.compactMap(\.event.sequence) == Array(42...47))
    #expect(fixture.decider.directory.sequences == [Fixture.workspace: 47])
  }

  @Test("is the same after it was stored")
  func document() throws {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1, Self.complete))
    let member = try #require(fixture.member(ana))
    let stored = try DirectoryMember(json: try #require(member.document))
    #expect(stored == fixture.decider.published.first?.event.member)
    #expect(Member.Details(stored) == member.presence.content?.details)
  }
}
