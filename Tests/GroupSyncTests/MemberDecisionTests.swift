import Models
import Testing

@testable import GroupSync

@Suite("A person's event")
struct MemberDecisionTests {
  private let ana = Bench.user(1)
  private let team = Bench.group(1)

  /// A person's state before (nil: unknown), the event, and what the product is told, the person being in one group.
  struct Case: CustomTestStringConvertible, Sendable {
    var before: UserState?
    var change: UserChanged.Change
    var after: UserState
    var told: [DirectoryEvent.Change]
    var testDescription: String { "\(before?.rawValue ?? "unknown") \(change.rawValue) \(after.rawValue)" }
  }

  static let cases: [Case] = [
    Case(before: nil, change: .created, after: .invited, told: []),
    Case(before: nil, change: .created, after: .active, told: [.memberActivated, .membershipAdded]),
    Case(before: nil, change: .created, after: .disabled, told: []),
    Case(before: nil, change: .restated, after: .active, told: [.memberActivated, .membershipAdded]),
    Case(before: nil, change: .restated, after: .disabled, told: [.accessRevoked, .memberDisabled]),
    Case(before: nil, change: .deleted, after: .disabled, told: [.accessRevoked, .memberDeleted]),
    Case(before: .invited, change: .updated, after: .invited, told: []),
    Case(before: .invited, change: .activated, after: .active, told: [.memberActivated, .membershipAdded]),
    Case(before: .invited, change: .disabled, after: .disabled, told: [.accessRevoked, .memberDisabled]),
    Case(before: .invited, change: .deleted, after: .disabled, told: [.accessRevoked, .memberDeleted]),
    Case(before: .active, change: .updated, after: .active, told: []),
    Case(before: .active, change: .disabled, after: .disabled, told: [.accessRevoked, .memberDisabled, .membershipRemoved]),
    Case(before: .active, change: .deleted, after: .disabled, told: [.accessRevoked, .memberDeleted, .membershipRemoved]),
    Case(before: .disabled, change: .updated, after: .disabled, told: []),
    Case(before: .disabled, change: .enabled, after: .active, told: [.memberActivated, .membershipAdded]),
    Case(before: .disabled, change: .enabled, after: .invited, told: []),
    Case(before: .disabled, change: .deleted, after: .disabled, told: [.memberDeleted]),
  ]

  @Test("tells the product what it has to know", arguments: cases)
  func told(_ example: Case) {
    var bench = Bench()
    bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
    if let before = example.before { bench.take(Bench.userEvent(ana, .created, before, version: 1)) }
    let told = bench.take(Bench.userEvent(ana, example.change, example.after, version: 2))
    #expect(told.map(\.change) == example.told)
    #expect(told.allSatisfy { $0.member == ana })
    let revocation = bench.decider.published.last { $0.event.change == .accessRevoked }
    #expect(revocation?.event.reason == (revocation == nil ? nil : example.change == .deleted ? .deleted : .disabled))
    #expect(bench.shown(in: team) == (example.after == .active ? [ana] : []))
    #expect(bench.members(of: team) == (example.change == .deleted ? [] : [ana]))
  }

  @Test("that lacks what was too large for the topic keeps what is known of it")
  func omitted() throws {
    var bench = Bench()
    bench.take(Bench.userEvent(ana, .created, .active, version: 1))
    let update = try Bench.userEvent(ana, .updated, .active, version: 2, role: String(repeating: "x", count: 1 << 20)).withoutLargeFields()
    #expect(bench.take(update) == [])
    #expect(bench.member(ana)?.version == 2 && bench.member(ana)?.presence.content?.role == "viewer")
  }

  @Test("is told for each of the person's groups")
  func everyGroup() {
    var bench = Bench()
    let groups = (1...3).map { Bench.group($0) }
    for group in groups { bench.take(Bench.groupEvent(group, .created, version: 1, adding: [ana])) }
    let told = bench.take(Bench.userEvent(ana, .created, .active, version: 1))
    #expect(told == [Said(.memberActivated, ana)] + groups.map { Said(.membershipAdded, ana, in: $0) })
  }

  @Test("with another role tells it while the person is active", arguments: [UserState.invited, .active, .disabled])
  func role(_ state: UserState) throws {
    var bench = Bench()
    bench.take(Bench.userEvent(ana, .created, state, version: 1))
    let told = bench.take(Bench.userEvent(ana, .updated, state, version: 2, role: "admin"))
    #expect(told == (state == .active ? [Said(.roleChanged, ana)] : []))
    #expect(bench.member(ana)?.presence.content?.role == "admin")
  }

  @Test("that is not newer changes nothing", arguments: [Int64(1), 4, 5])
  func stale(_ version: Int64) {
    var bench = Bench()
    bench.take(Bench.userEvent(ana, .created, .active, version: 5))
    let before = bench.decider.directory
    #expect(bench.take(Bench.userEvent(ana, .disabled, .disabled, version: version)) == [])
    #expect(bench.decider.directory == before)
  }

  @Test("of a deletion leaves no personal data, and the person does not come back")
  func deletion() {
    var bench = Bench()
    bench.take(
      Bench.userEvent(ana, .created, .active, version: 1), Bench.groupEvent(team, .created, version: 1, adding: [ana]),
      Bench.userEvent(ana, .deleted, .disabled, version: 2))
    #expect(bench.member(ana) == Member(key: MemberKey(workspace: Bench.workspace, id: ana), version: 2, presence: .deleted))
    #expect(bench.decider.published.suffix(3).allSatisfy { $0.event.email == nil && $0.event.role == nil })
    #expect(bench.take(Bench.userEvent(ana, .created, .active, version: 3)) == [])
    // An event of a group that was on its way meanwhile.
    #expect(bench.take(Bench.groupEvent(team, .updated, version: 2, adding: [ana])) == [])
    #expect(bench.members(of: team) == [])
  }

  @Test("carries its trace and the same ids each time it is decided")
  func identity() throws {
    let event = Bench.userEvent(ana, .activated, .active, version: 7)
    let ids = (0..<2).map { _ in
      var bench = Bench()
      bench.take(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
      bench.decider.decide(event, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
      #expect(bench.decider.published.dropFirst().allSatisfy { $0.traceparent?.isEmpty == false })
      return bench.decider.published.map(\.id)
    }
    #expect(ids[0] == ids[1])
    #expect(Set(ids[0]).count == 3)
  }
}
