import Models
import Testing

@testable import GroupSync

@Suite("A group event")
struct GroupDecisionTests {
  private let ana = Fixture.user(1)
  private let ben = Fixture.user(2)
  private let eva = Fixture.user(3)
  private let team = Fixture.group(1)

  /// Ana and Eva are active, Ben is invited.
  private func people() -> Fixture {
    var fixture = Fixture()
    fixture.apply(
      Fixture.userEvent(ana, .created, .active, version: 1), Fixture.userEvent(ben, .created, .invited, version: 1),
      Fixture.userEvent(eva, .created, .active, version: 1))
    return fixture
  }

  @Test("creates a group and shows its active members")
  func creation() {
    var fixture = people()
    let published = fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana, ben]))
    #expect(published == [PublishedChange(.groupCreated, in: team), PublishedChange(.groupMemberAdded, ana, in: team)])
    #expect(fixture.members(of: team) == [ana, ben])
    #expect(fixture.visibleMembers(in: team) == [ana])
    #expect(fixture.decider.published.suffix(2).first?.event.group == DirectoryEvent.Group(id: team, displayName: "Data team", version: 1))
    // Membership events have ids and versions only.
    #expect(fixture.decider.published.last?.event.group == DirectoryEvent.Group(id: team, version: 1))
    #expect(fixture.decider.published.last?.event.member == DirectoryMember(id: ana, version: 1))
  }

  @Test("may arrive before the events of its members")
  func beforeItsPeople() {
    var fixture = Fixture()
    #expect(fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana])) == [PublishedChange(.groupCreated, in: team)])
    #expect(
      fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1))
        == [PublishedChange(.memberActivated, ana), PublishedChange(.groupMemberAdded, ana, in: team)])
    #expect(fixture.visibleMembers(in: team) == [ana])
  }

  @Test("publishes a new name, and added and removed members")
  func update() {
    var fixture = people()
    fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana, ben]))
    let published = fixture.apply(Fixture.groupEvent(team, .updated, version: 2, name: "Analysts", adding: [eva], removing: [ana, ben]))
    #expect(
      published == [
        PublishedChange(.groupUpdated, in: team), PublishedChange(.groupMemberRemoved, ana, in: team),
        PublishedChange(.groupMemberAdded, eva, in: team),
      ])
    #expect(fixture.members(of: team) == [eva])
    let renamed = fixture.decider.published.first { $0.event.type == .groupUpdated }?.event
    #expect(renamed?.group == DirectoryEvent.Group(id: team, displayName: "Analysts", version: 2))
    #expect(renamed?.changes == ["displayName": .init(from: .string("Data team"), to: .string("Analysts"))])
  }

  @Test("whose name was too large for the topic keeps the stored name, and applies its members")
  func omittedName() throws {
    var fixture = people()
    let large = String(repeating: "x", count: 1 << 20)
    fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana]))
    let update = try Fixture.groupEvent(team, .updated, version: 2, name: large, adding: [eva], removing: [ana]).withoutLargeFields()
    #expect(
      fixture.apply(update) == [PublishedChange(.groupMemberRemoved, ana, in: team), PublishedChange(.groupMemberAdded, eva, in: team)])
    #expect(fixture.decider.directory.groups.values.first?.presence.content == "Data team")
    var other = people()
    other.apply(try Fixture.groupEvent(team, .created, version: 1, name: large, adding: [ana]).withoutLargeFields())
    #expect(other.decider.directory.groups.values.first?.presence.content == String(repeating: "x", count: 256) + "…")
  }

  @Test("that is not newer changes nothing", arguments: [(Int64(1), 0), (2, 0), (2, 1)])
  func stale(version: Int64, part: Int) {
    var fixture = people()
    fixture.apply(
      Fixture.groupEvent(team, .created, version: 1, adding: [ana]), Fixture.groupEvent(team, .updated, version: 2, part: 0),
      Fixture.groupEvent(team, .updated, version: 2, part: 1))
    let before = fixture.decider.directory
    #expect(fixture.apply(Fixture.groupEvent(team, .updated, version: version, part: part, adding: [eva], removing: [ana])) == [])
    #expect(fixture.decider.directory == before)
  }

  @Test("applies each part of a version once")
  func parts() {
    var fixture = people()
    fixture.apply(Fixture.groupEvent(team, .created, version: 1, part: 0, adding: [ana]))
    #expect(
      fixture.apply(Fixture.groupEvent(team, .created, version: 1, part: 1, adding: [eva])) == [
        PublishedChange(.groupMemberAdded, eva, in: team)
      ])
    #expect(fixture.members(of: team) == [ana, eva])
    #expect(fixture.group(team)?.coverage == .complete)
  }

  @Test("that deletes the group publishes the removal of each member, and the group stays deleted")
  func deletion() {
    var fixture = people()
    fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana, ben, eva]))
    let published = fixture.apply(Fixture.groupEvent(team, .deleted, version: 2))
    #expect(
      published == [
        PublishedChange(.groupMemberRemoved, ana, in: team), PublishedChange(.groupMemberRemoved, eva, in: team),
        PublishedChange(.groupDeleted, in: team),
      ])
    #expect(fixture.members(of: team) == [])
    #expect(fixture.group(team)?.presence == .deleted)
    #expect(fixture.decider.published.last?.event.group == DirectoryEvent.Group(id: team, version: 2))
    #expect(fixture.apply(Fixture.groupEvent(team, .updated, version: 3, adding: [ana])) == [])
    #expect(fixture.members(of: team) == [])
  }

  @Suite("that restates the group")
  struct Restatement {
    private let ana = Fixture.user(1)
    private let eva = Fixture.user(2)
    private let team = Fixture.group(1)

    private func people() -> Fixture {
      var fixture = Fixture()
      fixture.apply(Fixture.userEvent(ana, .created, .active, version: 1), Fixture.userEvent(eva, .created, .active, version: 1))
      return fixture
    }

    /// A restatement in two parts: the members up to Ana, and those after her.
    private func restated(version: Int64, name: String = "Data team", _ first: [UserID], _ second: [UserID]) -> [IdentityEvent] {
      [
        Fixture.restated(team, version: version, name: name, MemberRange(through: ana), first),
        Fixture.restated(team, version: version, name: name, MemberRange(after: ana), second),
      ]
    }

    @Test("creates an unknown group, which is complete when all ranges have arrived")
    func unknown() {
      var fixture = people()
      let parts = restated(version: 7, [ana], [eva])
      #expect(fixture.apply(parts[0]) == [PublishedChange(.groupCreated, in: team), PublishedChange(.groupMemberAdded, ana, in: team)])
      #expect(fixture.group(team)?.coverage == .through(ana))
      #expect(fixture.apply(parts[1]) == [PublishedChange(.groupMemberAdded, eva, in: team)])
      #expect(fixture.group(team)?.coverage == .complete)
      // A change that was in flight during the restatement changes nothing.
      #expect(fixture.apply(Fixture.groupEvent(team, .updated, version: 7, part: 3, adding: [eva])) == [])
      #expect(
        fixture.apply(Fixture.groupEvent(team, .updated, version: 8, removing: [eva])) == [
          PublishedChange(.groupMemberRemoved, eva, in: team)
        ])
      #expect(fixture.group(team)?.coverage == .complete)
    }

    @Test("replaces the members in its range, and no others")
    func range() {
      var fixture = people()
      fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      #expect(fixture.apply(restated(version: 3, [], [eva])[0]) == [PublishedChange(.groupMemberRemoved, ana, in: team)])
      #expect(fixture.members(of: team) == [eva])
      #expect(fixture.apply(restated(version: 3, [], [])[1]) == [PublishedChange(.groupMemberRemoved, eva, in: team)])
    }

    @Test("without a difference changes nothing")
    func same() {
      var fixture = people()
      fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      let before = fixture.decider.directory
      for part in restated(version: 1, [ana], [eva]) { #expect(fixture.apply(part) == []) }
      #expect(fixture.decider.directory == before, "nothing is written")
    }

    @Test("that is older than the stored state changes nothing")
    func old() {
      var fixture = people()
      fixture.apply(
        Fixture.groupEvent(team, .created, version: 1, adding: [ana]), Fixture.groupEvent(team, .updated, version: 2, adding: [eva]))
      for part in restated(version: 1, [ana], []) { #expect(fixture.apply(part) == []) }
      #expect(fixture.members(of: team) == [ana, eva])
    }

    @Test("adds missed members, even with the stored version")
    func afterGap() {
      var fixture = people()
      // The directory was lost, so the first event that it receives is the seventh change.
      fixture.apply(Fixture.groupEvent(team, .updated, version: 7, adding: [ana]))
      #expect(fixture.group(team)?.coverage == .partial)
      let parts = restated(version: 7, name: "Analysts", [ana], [eva])
      #expect(fixture.apply(parts[0]) == [PublishedChange(.groupUpdated, in: team)])
      // A part that does not continue the previous one is applied to its range, but the group stays incomplete.
      #expect(fixture.apply(Fixture.restated(team, version: 7, name: "Analysts", MemberRange(after: eva), [])) == [])
      #expect(fixture.group(team)?.coverage == .through(ana))
      #expect(fixture.apply(parts[1]) == [PublishedChange(.groupMemberAdded, eva, in: team)])
      #expect(fixture.group(team)?.coverage == .complete)
      for event in parts { #expect(fixture.apply(event) == []) }
    }

    @Test("restores a group that is stored as deleted, unless the deletion was later")
    func deleted() {
      var fixture = people()
      fixture.apply(Fixture.groupEvent(team, .created, version: 1, adding: [ana]), Fixture.groupEvent(team, .deleted, version: 3))
      #expect(fixture.apply(Fixture.restated(team, version: 2, MemberRange(), [ana])) == [], "the deletion is newer")
      #expect(
        fixture.apply(Fixture.restated(team, version: 3, MemberRange(), [ana])) == [
          PublishedChange(.groupCreated, in: team), PublishedChange(.groupMemberAdded, ana, in: team),
        ])
    }
  }
}
