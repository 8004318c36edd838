import Models
import Testing

@testable import GroupSync

@Suite("A group event")
struct GroupDecisionTests {
  private let ana = Bench.user(1)
  private let ben = Bench.user(2)
  private let eva = Bench.user(3)
  private let team = Bench.group(1)

  /// Ana and Eva are active, Ben is invited.
  private func people() -> Bench {
    var bench = Bench()
    bench.apply(
      Bench.userEvent(ana, .created, .active, version: 1), Bench.userEvent(ben, .created, .invited, version: 1),
      Bench.userEvent(eva, .created, .active, version: 1))
    return bench
  }

  @Test("creates a group and shows its active members")
  func creation() {
    var bench = people()
    let published = bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana, ben]))
    #expect(published == [PublishedChange(.groupCreated, in: team), PublishedChange(.membershipAdded, ana, in: team)])
    #expect(bench.members(of: team) == [ana, ben])
    #expect(bench.shown(in: team) == [ana])
    #expect(bench.decider.published.last?.event.displayName == "Data team")
    #expect(bench.decider.published.last?.event.email == Bench.email(of: ana))
  }

  @Test("may arrive before the users that it names")
  func beforeItsPeople() {
    var bench = Bench()
    #expect(bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana])) == [PublishedChange(.groupCreated, in: team)])
    #expect(
      bench.apply(Bench.userEvent(ana, .created, .active, version: 1))
        == [PublishedChange(.memberActivated, ana), PublishedChange(.membershipAdded, ana, in: team)])
    #expect(bench.shown(in: team) == [ana])
  }

  @Test("publishes a new name, and added and removed members")
  func update() {
    var bench = people()
    bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana, ben]))
    let published = bench.apply(Bench.groupEvent(team, .updated, version: 2, name: "Analysts", adding: [eva], removing: [ana, ben]))
    #expect(
      published == [
        PublishedChange(.groupRenamed, in: team), PublishedChange(.membershipRemoved, ana, in: team),
        PublishedChange(.membershipAdded, eva, in: team),
      ])
    #expect(bench.members(of: team) == [eva])
  }

  @Test("whose name was too large for the topic keeps the stored name, and applies its members")
  func omittedName() throws {
    var bench = people()
    let large = String(repeating: "x", count: 1 << 20)
    bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
    let update = try Bench.groupEvent(team, .updated, version: 2, name: large, adding: [eva], removing: [ana]).withoutLargeFields()
    #expect(bench.apply(update) == [PublishedChange(.membershipRemoved, ana, in: team), PublishedChange(.membershipAdded, eva, in: team)])
    #expect(bench.decider.directory.groups.values.first?.presence.content == "Data team")
    var other = people()
    other.apply(try Bench.groupEvent(team, .created, version: 1, name: large, adding: [ana]).withoutLargeFields())
    #expect(other.decider.directory.groups.values.first?.presence.content == String(repeating: "x", count: 256) + "…")
  }

  @Test("that is not newer changes nothing", arguments: [(Int64(1), 0), (2, 0), (2, 1)])
  func stale(version: Int64, part: Int) {
    var bench = people()
    bench.apply(
      Bench.groupEvent(team, .created, version: 1, adding: [ana]), Bench.groupEvent(team, .updated, version: 2, part: 0),
      Bench.groupEvent(team, .updated, version: 2, part: 1))
    let before = bench.decider.directory
    #expect(bench.apply(Bench.groupEvent(team, .updated, version: version, part: part, adding: [eva], removing: [ana])) == [])
    #expect(bench.decider.directory == before)
  }

  @Test("applies each part of a version once")
  func parts() {
    var bench = people()
    bench.apply(Bench.groupEvent(team, .created, version: 1, part: 0, adding: [ana]))
    #expect(
      bench.apply(Bench.groupEvent(team, .created, version: 1, part: 1, adding: [eva])) == [
        PublishedChange(.membershipAdded, eva, in: team)
      ])
    #expect(bench.members(of: team) == [ana, eva])
    #expect(bench.group(team)?.coverage == .whole)
  }

  @Test("of a deletion publishes the removal of each member, and the group does not come back")
  func deletion() {
    var bench = people()
    bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana, ben, eva]))
    let published = bench.apply(Bench.groupEvent(team, .deleted, version: 2))
    #expect(
      published == [
        PublishedChange(.membershipRemoved, ana, in: team), PublishedChange(.membershipRemoved, eva, in: team),
        PublishedChange(.groupDeleted, in: team),
      ])
    #expect(bench.members(of: team) == [])
    #expect(bench.group(team)?.presence == .deleted)
    #expect(bench.apply(Bench.groupEvent(team, .updated, version: 3, adding: [ana])) == [])
    #expect(bench.members(of: team) == [])
  }

  @Suite("that restates it")
  struct Restatement {
    private let ana = Bench.user(1)
    private let eva = Bench.user(2)
    private let team = Bench.group(1)

    private func people() -> Bench {
      var bench = Bench()
      bench.apply(Bench.userEvent(ana, .created, .active, version: 1), Bench.userEvent(eva, .created, .active, version: 1))
      return bench
    }

    /// The members up to Ana, and those behind her.
    private func restated(version: Int64, name: String = "Data team", _ first: [UserID], _ second: [UserID]) -> [IdentityEvent] {
      [
        Bench.restated(team, version: version, name: name, MemberRange(through: ana), first),
        Bench.restated(team, version: version, name: name, MemberRange(after: ana), second),
      ]
    }

    @Test("creates an unknown group, which is complete when all ranges have arrived")
    func unknown() {
      var bench = people()
      let parts = restated(version: 7, [ana], [eva])
      #expect(bench.apply(parts[0]) == [PublishedChange(.groupCreated, in: team), PublishedChange(.membershipAdded, ana, in: team)])
      #expect(bench.group(team)?.coverage == .through(ana))
      #expect(bench.apply(parts[1]) == [PublishedChange(.membershipAdded, eva, in: team)])
      #expect(bench.group(team)?.coverage == .whole)
      // The change that was on its way when it was restated says nothing new.
      #expect(bench.apply(Bench.groupEvent(team, .updated, version: 7, part: 3, adding: [eva])) == [])
      #expect(
        bench.apply(Bench.groupEvent(team, .updated, version: 8, removing: [eva])) == [PublishedChange(.membershipRemoved, eva, in: team)])
      #expect(bench.group(team)?.coverage == .whole)
    }

    @Test("replaces the members in its range, and no others")
    func range() {
      var bench = people()
      bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      #expect(bench.apply(restated(version: 3, [], [eva])[0]) == [PublishedChange(.membershipRemoved, ana, in: team)])
      #expect(bench.members(of: team) == [eva])
      #expect(bench.apply(restated(version: 3, [], [])[1]) == [PublishedChange(.membershipRemoved, eva, in: team)])
    }

    @Test("without a difference changes nothing")
    func same() {
      var bench = people()
      bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      let before = bench.decider.directory
      for part in restated(version: 1, [ana], [eva]) { #expect(bench.apply(part) == []) }
      #expect(bench.decider.directory == before, "nothing is written either")
    }

    @Test("that is older than the stored state changes nothing")
    func old() {
      var bench = people()
      bench.apply(
        Bench.groupEvent(team, .created, version: 1, adding: [ana]), Bench.groupEvent(team, .updated, version: 2, adding: [eva]))
      for part in restated(version: 1, [ana], []) { #expect(bench.apply(part) == []) }
      #expect(bench.members(of: team) == [ana, eva])
    }

    @Test("adds what was missed, though the version is the stored one")
    func afterGap() {
      var bench = people()
      // The directory was lost: the first that it hears is the seventh change.
      bench.apply(Bench.groupEvent(team, .updated, version: 7, adding: [ana]))
      #expect(bench.group(team)?.coverage == .partial)
      let parts = restated(version: 7, name: "Analysts", [ana], [eva])
      #expect(bench.apply(parts[0]) == [PublishedChange(.groupRenamed, in: team)])
      // A part that does not continue the one before it fills in its own range, and leaves the gap on record.
      #expect(bench.apply(Bench.restated(team, version: 7, name: "Analysts", MemberRange(after: eva), [])) == [])
      #expect(bench.group(team)?.coverage == .through(ana))
      #expect(bench.apply(parts[1]) == [PublishedChange(.membershipAdded, eva, in: team)])
      #expect(bench.group(team)?.coverage == .whole)
      for event in parts { #expect(bench.apply(event) == []) }
    }

    @Test("restores a group that is stored as deleted, unless the deletion was later")
    func deleted() {
      var bench = people()
      bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana]), Bench.groupEvent(team, .deleted, version: 3))
      #expect(bench.apply(Bench.restated(team, version: 2, MemberRange(), [ana])) == [], "the deletion came after that")
      #expect(
        bench.apply(Bench.restated(team, version: 3, MemberRange(), [ana])) == [
          PublishedChange(.groupCreated, in: team), PublishedChange(.membershipAdded, ana, in: team),
        ])
    }
  }
}
