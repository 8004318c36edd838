import Models
import Testing

@testable import group_sync

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
    #expect(bench.decider.told.last?.event.displayName == "Data team")
    #expect(bench.decider.told.last?.event.email == Bench.email(of: ana))
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
    #expect(bench.group(team)?.isComplete == true)
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

    @Test("makes a group that is not known")
    func unknown() {
      var bench = people()
      let told = bench.take(
        Bench.groupEvent(team, .restated, version: 7, part: 0, adding: [ana]),
        Bench.groupEvent(team, .restated, version: 7, part: 1, adding: [eva]))
      #expect(
        told == [Said(.groupCreated, in: team), Said(.membershipAdded, ana, in: team), Said(.membershipAdded, eva, in: team)])
      #expect(bench.group(team)?.isComplete == true)
    }

    @Test("at a later version starts from no members")
    func newer() {
      var bench = people()
      bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
      let told = bench.take(Bench.groupEvent(team, .restated, version: 3, adding: [eva]))
      #expect(told == [Said(.membershipRemoved, ana, in: team), Said(.membershipAdded, eva, in: team)])
      #expect(bench.members(of: team) == [eva])
    }

    @Test("as it is changes nothing")
    func same() {
      var bench = people()
      bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana, eva]))
      #expect(
        bench.take(
          Bench.groupEvent(team, .restated, version: 1, part: 0, adding: [ana]),
          Bench.groupEvent(team, .restated, version: 1, part: 1, adding: [eva])) == [])
      #expect(bench.members(of: team) == [ana, eva])
    }

    @Test("fills in what was missed, though the version is the one that is held")
    func afterGap() {
      var bench = people()
      // The directory was lost: the first that it hears is the seventh change.
      bench.take(Bench.groupEvent(team, .updated, version: 7, adding: [ana]))
      #expect(bench.group(team)?.isComplete == false)
      let restatement = [
        Bench.groupEvent(team, .restated, version: 7, part: 0, adding: [ana]),
        Bench.groupEvent(team, .restated, version: 7, part: 1, adding: [eva]),
      ]
      #expect(bench.take(restatement[0]) == [])
      #expect(bench.take(restatement[1]) == [Said(.membershipAdded, eva, in: team)])
      #expect(bench.group(team)?.isComplete == true)
      for event in restatement { #expect(bench.take(event) == []) }
      #expect(bench.members(of: team) == [ana, eva])
    }
  }
}
