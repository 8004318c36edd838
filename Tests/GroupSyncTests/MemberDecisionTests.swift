import Models
import Testing

@testable import GroupSync

@Suite("A user event")
struct MemberDecisionTests {
  private let ana = Fixture.user(1)
  private let team = Fixture.group(1)

  /// The state of a user in one group (nil: unknown), an event, and the expected changes for the product.
  struct Case: CustomTestStringConvertible, Sendable {
    var before: UserState?
    var change: UserChanged.Change
    var after: UserState
    var published: [DirectoryEvent.Kind]
    var testDescription: String { "\(before?.rawValue ?? "unknown") \(change.rawValue) \(after.rawValue)" }
  }

  static let cases: [Case] = [
    Case(before: nil, change: .created, after: .invited, published: [.memberInvited]),
    Case(before: nil, change: .created, after: .active, published: [.memberActivated, .groupMemberAdded]),
    Case(before: nil, change: .created, after: .disabled, published: [.memberDisabled]),
    Case(before: nil, change: .restated, after: .invited, published: [.memberInvited]),
    Case(before: nil, change: .updated, after: .active, published: [.memberActivated, .groupMemberAdded]),
    Case(before: nil, change: .restated, after: .active, published: [.memberActivated, .groupMemberAdded]),
    Case(before: nil, change: .restated, after: .disabled, published: [.accessRevoked, .memberDisabled]),
    Case(before: nil, change: .deleted, after: .disabled, published: [.accessRevoked, .memberDeleted]),
    Case(before: .invited, change: .updated, after: .invited, published: []),
    Case(before: .invited, change: .activated, after: .active, published: [.memberActivated, .groupMemberAdded]),
    Case(before: .invited, change: .disabled, after: .disabled, published: [.accessRevoked, .memberDisabled]),
    Case(before: .invited, change: .deleted, after: .disabled, published: [.accessRevoked, .memberDeleted]),
    Case(before: .active, change: .updated, after: .active, published: []),
    Case(before: .active, change: .disabled, after: .disabled, published: [.accessRevoked, .memberDisabled, .groupMemberRemoved]),
    Case(before: .active, change: .deleted, after: .disabled, published: [.accessRevoked, .memberDeleted, .groupMemberRemoved]),
    Case(before: .disabled, change: .updated, after: .disabled, published: []),
    Case(before: .disabled, change: .enabled, after: .active, published: [.memberActivated, .groupMemberAdded]),
    Case(before: .disabled, change: .enabled, after: .invited, published: [.memberInvited]),
    Case(
      before: .active, change: .restated, after: .invited,
      published: [.accessRevoked, .memberDisabled, .memberInvited, .groupMemberRemoved]),
    Case(before: .disabled, change: .deleted, after: .disabled, published: [.memberDeleted]),
  ]

  @Test("publishes the changes for the product", arguments: cases)
  func published(_ example: Case) {
    var fixture = Fixture()
    fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana]))
    if let before = example.before { fixture.apply(Fixture.userEvent(ana, .created, before, version: 1)) }
    let published = fixture.apply(Fixture.userEvent(ana, example.change, example.after, version: 2))
    #expect(published.map(\.type) == example.published)
    #expect(published.allSatisfy { $0.member == ana })
    let revocation = fixture.decider.published.last { $0.event.type == .accessRevoked }
    #expect(revocation?.event.reason == (revocation == nil ? nil : example.change == .deleted ? .deleted : .disabled))
    let complete = fixture.decider.published.filter { $0.event.group == nil }.suffix(published.count { $0.group == nil })
    #expect(complete.allSatisfy { $0.event.member?.state == (example.change == .deleted ? nil : example.after) })
    #expect(fixture.visibleMembers(in: team) == (example.after == .active ? [ana] : []))
    #expect(fixture.members(of: team) == (example.change == .deleted ? [] : [ana]))
  }

  @Test("without attributes that were too large for the topic keeps their stored values")
  func omitted() throws {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1))
    let update = try Fixture.userEvent(ana, .updated, .active, version: 2, role: String(repeating: "x", count: 1 << 20))
      .withoutLargeFields()
    #expect(fixture.apply(update) == [])
    #expect(fixture.member(ana)?.version == 2 && fixture.member(ana)?.presence.content?.role == "viewer")
  }

  @Test("is published for each group of the user")
  func everyGroup() {
    var fixture = Fixture()
    let groups = (1...3).map { Fixture.group($0) }
    for group in groups { fixture.apply(Fixture.groupEvent(group, .created, version: 1, adding: [ana])) }
    let published = fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1))
    #expect(published == [PublishedChange(.memberActivated, ana)] + groups.map { PublishedChange(.groupMemberAdded, ana, in: $0) })
  }

  @Test("with another role publishes the update, and the role by itself", arguments: [UserState.invited, .active, .disabled])
  func role(_ state: UserState) throws {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, state, version: 1))
    let published = fixture.apply(Fixture.userEvent(ana, .updated, state, version: 2, role: "admin"))
    #expect(published == [PublishedChange(.memberUpdated, ana), PublishedChange(.memberRoleChanged, ana)])
    let change = ["role": DirectoryEvent.AttributeChange(from: .string("viewer"), to: .string("admin"))]
    #expect(fixture.decider.published.suffix(2).allSatisfy { $0.event.changes == change && $0.event.member?.role == "admin" })
    #expect(fixture.member(ana)?.presence.content?.role == "admin")
  }

  @Test("that is not newer changes nothing", arguments: [Int64(1), 4, 5])
  func stale(_ version: Int64) {
    var fixture = Fixture()
    fixture.apply(Fixture.userEvent(ana, .created, .active, version: 5))
    let before = fixture.decider.directory
    #expect(fixture.apply(Fixture.userEvent(ana, .disabled, .disabled, version: version)) == [])
    #expect(fixture.decider.directory == before)
  }

  @Test("that deletes the user leaves no personal data, and the user stays deleted")
  func deletion() {
    var fixture = Fixture()
    fixture.apply(
      Fixture.userEvent(ana, .created, .active, version: 1), Fixture.groupEvent(team, .created, version: 1, adding: [ana]),
      Fixture.userEvent(ana, .deleted, .disabled, version: 2))
    #expect(fixture.member(ana) == Member(key: MemberKey(workspace: Fixture.workspace, id: ana), version: 2, presence: .deleted))
    #expect(fixture.decider.published.suffix(3).allSatisfy { $0.event.member == DirectoryMember(id: ana, version: 2) })
    #expect(fixture.apply(Fixture.userEvent(ana, .created, .active, version: 3)) == [])
    // A group event that was in flight during the deletion.
    #expect(fixture.apply(Fixture.groupEvent(team, .updated, version: 2, adding: [ana])) == [])
    #expect(fixture.members(of: team) == [])
  }

  @Test("passes on its trace context, and yields the same event ids each time it is decided")
  func identity() throws {
    let event = Fixture.userEvent(ana, .activated, .active, version: 7)
    let ids = (0..<2).map { _ in
      var fixture = Fixture()
      fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana]))
      fixture.decider.decide(event, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
      #expect(fixture.decider.published.dropFirst().allSatisfy { $0.traceparent?.isEmpty == false })
      return fixture.decider.published.map(\.event.id)
    }
    #expect(ids[0] == ids[1])
    #expect(Set(ids[0]).count == 3)
  }
}
