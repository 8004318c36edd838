import Models
import Testing

@testable import GroupSync

@Suite("A group's event")
struct GroupDecisionTests {
  private let ana = Bench.user(1)
  private let ben = Bench.user(2)
  private let eva = Bench.user(3)
  private let team = Bench.group(1)

  /// Ana and Eva are active, Ben is invited.
  private func people() -> Bench {
    var bench = Bench()
    bench.take(
      Bench.userEvent(ana, .created, .active, version: 1), Bench.userEvent(ben, .created, .invited, version: 1),
      Bench.userEvent(eva, .created, .active, version: 1))
    return bench
  }

  @Test("makes a group and shows those of its members who are active")
  func creation() {
    var bench = people()
    let told = bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana, ben]))
    #expect(told == [Said(.groupCreated, in: team), Said(.membershipAdded, ana, in: team)])
    #expect(bench.members(of: team) == [ana, ben])
    #expect(bench.shown(in: team) == [ana])
    #expect(bench.decider.published.last?.event.displayName == "Data team")
    #expect(bench.decider.published.last?.event.email == Bench.email(of: ana))
  }

  @Test("may come before the people that it names")
  func beforeItsPeople() {
    var bench = Bench()
    #expect(bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana])) == [Said(.groupCreated, in: team)])
    #expect(
      bench.take(Bench.userEvent(ana, .created, .active, version: 1))
        == [Said(.memberActivated, ana), Said(.membershipAdded, ana, in: team)])
    #expect(bench.shown(in: team) == [ana])
  }

  @Test("tells another name, and who came and went")
  func update() {
    var bench = people()
    bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana, ben]))
    let told = bench.take(Bench.groupEvent(team, .updated, version: 2, name: "Analysts", adding: [eva], removing: [ana, ben]))
    #expect(
      told == [Said(.groupRenamed, in: team), Said(.membershipRemoved, ana, in: team), Said(.membershipAdded, eva, in: team)])
    #expect(bench.members(of: team) == [eva])
  }

  @Test("whose name was too large for the topic keeps the name that is known, and takes in its members")
  func omittedName() throws {
    var bench = people()
    let large = String(repeating: "x", count: 1 << 20)
    bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
    let update = try Bench.groupEvent(team, .updated, version: 2, name: large, adding: [eva], removing: [ana]).withoutLargeFields()
    #expect(bench.take(update) == [Said(.membershipRemoved, ana, in: team), Said(.membershipAdded, eva, in: team)])
    #expect(bench.decider.directory.groups.values.first?.presence.content == "Data team")
    var other = people()
    other.take(try Bench.groupEvent(team, .created, version: 1, name: large, adding: [ana]).withoutLargeFields())
    #expect(other.decider.directory.groups.values.first?.presence.content == String(repeating: "x", count: 256) + "…")
  }

  @Test("that is not newer changes nothing", arguments: [(Int64(1), 0), (2, 0), (2, 1)])
  func stale(version: Int64, part: Int) {
    var bench = people()
    bench.take(
      Bench.groupEvent(team, .created, version: 1, adding: [ana]), Bench.groupEvent(team, .updated, version: 2, part: 0),
      Bench.groupEvent(team, .updated, version: 2, part: 1))
    let before = bench.decider.directory
    #expect(bench.take(Bench.groupEvent(team, .updated, version: version, part: part, adding: [eva], removing: [ana])) == [])
    #expect(bench.decider.directory == before)
  }

  @Test("takes in each part of a version once")
  func parts() {
    var bench = people()
    bench.take(Bench.groupEvent(team, .created, version: 1, part: 0, adding: [ana]))
    #expect(
      bench.take(Bench.groupEvent(team, .created, version: 1, part: 1, adding: [eva])) == [Said(.membershipAdded, eva, in: team)])
    #expect(bench.members(of: team) == [ana, eva])
    #expect(bench.group(team)?.coverage == .whole)
  }

  @Test("of a deletion tells everybody's removal, and the group does not come back")
  func deletion() {
    var bench = people()
    bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana, ben, eva]))
    let told = bench.take(Bench.groupEvent(team, .deleted, version: 2))
    #expect(
      told == [Said(.membershipRemoved, ana, in: team), Said(.membershipRemoved, eva, in: team), Said(.groupDeleted, in: team)])
    #expect(bench.members(of: team) == [])
    #expect(bench.group(team)?.presence == .deleted)
    #expect(bench.take(Bench.groupEvent(team, .updated, version: 3, adding: [ana])) == [])
    #expect(bench.members(of: team) == [])
  }

  @Suite("that restates it")
  struct Restatement {
    private let ana = Bench.user(1)
    private let eva = Bench.user(2)
    private let team = Bench.group(1)

    private func people() -> Bench {
      var bench = Bench()
      bench.take(Bench.userEvent(ana, .created, .active, version: 1), Bench.userEvent(eva, .created, .active, version: 1))
      return bench
    }

    /// The members up to Ana, and those behind her.
    private func restated(version: Int64, name: String = "Data team", _ first: [UserID], _ second: [UserID]) -> [IdentityEvent] {
      [
        Bench.restated(team, version: version, name: name, MemberRange(through: ana), first),
        Bench.restated(team, version: version, name: name, MemberRange(after: ana), second),
      ]
    }

    @Test("makes a group that is not known, which is whole when all of it has come")
    func unknown() {
      var bench = people()
      let parts = restated(version: 7, [ana], [eva])
      #expect(bench.take(parts[0]) == [Said(.groupCreated, in: team), Said(.membershipAdded, ana, in: team)])
      #expect(bench.group(team)?.coverage == .through(ana))
      #expect(bench.take(parts[1]) == [Said(.membershipAdded, eva, in: team)])
      #expect(bench.group(team)?.coverage == .whole)
      // The change that was on its way when it was restated says nothing new.
      #expect(bench.take(Bench.groupEvent(team, .updated, version: 7, part: 3, adding: [eva])) == [])
      #expect(bench.take(Bench.groupEvent(team, .updated, version: 8, removing: [eva])) == [Said(.membershipRemoved, eva, in: team)])
      #expect(bench.group(team)?.coverage == .whole)
    }

    @Test("replaces the members in its range, and no others")
    func range() {
      var bench = people()
      bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      #expect(bench.take(restated(version: 3, [], [eva])[0]) == [Said(.membershipRemoved, ana, in: team)])
      #expect(bench.members(of: team) == [eva])
      #expect(bench.take(restated(version: 3, [], [])[1]) == [Said(.membershipRemoved, eva, in: team)])
    }

    @Test("as it is changes nothing")
    func same() {
      var bench = people()
      bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      let before = bench.decider.directory
      for part in restated(version: 1, [ana], [eva]) { #expect(bench.take(part) == []) }
      #expect(bench.decider.directory == before, "nothing is written either")
    }

    @Test("that is older than what is held changes nothing")
    func old() {
      var bench = people()
      bench.take(
        Bench.groupEvent(team, .created, version: 1, adding: [ana]), Bench.groupEvent(team, .updated, version: 2, adding: [eva]))
      for part in restated(version: 1, [ana], []) { #expect(bench.take(part) == []) }
      #expect(bench.members(of: team) == [ana, eva])
    }

    @Test("fills in what was missed, though the version is the one that is held")
    func afterGap() {
      var bench = people()
      // The directory was lost: the first that it hears is the seventh change.
      bench.take(Bench.groupEvent(team, .updated, version: 7, adding: [ana]))
      #expect(bench.group(team)?.coverage == .partial)
      let parts = restated(version: 7, name: "Analysts", [ana], [eva])
      #expect(bench.take(parts[0]) == [Said(.groupRenamed, in: team)])
      // A part that does not continue the one before it fills in its own range, and leaves the gap on record.
      #expect(bench.take(Bench.restated(team, version: 7, name: "Analysts", MemberRange(after: eva), [])) == [])
      #expect(bench.group(team)?.coverage == .through(ana))
      #expect(bench.take(parts[1]) == [Said(.membershipAdded, eva, in: team)])
      #expect(bench.group(team)?.coverage == .whole)
      for event in parts { #expect(bench.take(event) == []) }
    }

    @Test("brings back a group that is held as deleted, where no deletion was later")
    func deleted() {
      var bench = people()
      bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana]), Bench.groupEvent(team, .deleted, version: 3))
      #expect(bench.take(Bench.restated(team, version: 2, MemberRange(), [ana])) == [], "the deletion came after that")
      #expect(
        bench.take(Bench.restated(team, version: 3, MemberRange(), [ana])) == [
          Said(.groupCreated, in: team), Said(.membershipAdded, ana, in: team),
        ])
    }
  }
}
