import Models
import Testing

@testable import GroupSync

@Suite("A user event")
struct MemberDecisionTests {
  private let ana = Bench.user(1)
  private let team = Bench.group(1)

  /// A person's state before (nil: unknown), the event, and what the product is published, the person being in one group.
  struct Case: CustomTestStringConvertible, Sendable {
    var before: UserState?
    var change: UserChanged.Change
    var after: UserState
    var published: [DirectoryEvent.Change]
    var testDescription: String { "\(before?.rawValue ?? "unknown") \(change.rawValue) \(after.rawValue)" }
  }

  static let cases: [Case] = [
    Case(before: nil, change: .created, after: .invited, published: []),
    Case(before: nil, change: .created, after: .active, published: [.memberActivated, .membershipAdded]),
    Case(before: nil, change: .created, after: .disabled, published: []),
    Case(before: nil, change: .restated, after: .active, published: [.memberActivated, .membershipAdded]),
    Case(before: nil, change: .restated, after: .disabled, published: [.accessRevoked, .memberDisabled]),
    Case(before: nil, change: .deleted, after: .disabled, published: [.accessRevoked, .memberDeleted]),
    Case(before: .invited, change: .updated, after: .invited, published: []),
    Case(before: .invited, change: .activated, after: .active, published: [.memberActivated, .membershipAdded]),
    Case(before: .invited, change: .disabled, after: .disabled, published: [.accessRevoked, .memberDisabled]),
    Case(before: .invited, change: .deleted, after: .disabled, published: [.accessRevoked, .memberDeleted]),
    Case(before: .active, change: .updated, after: .active, published: []),
    Case(before: .active, change: .disabled, after: .disabled, published: [.accessRevoked, .memberDisabled, .membershipRemoved]),
    Case(before: .active, change: .deleted, after: .disabled, published: [.accessRevoked, .memberDeleted, .membershipRemoved]),
    Case(before: .disabled, change: .updated, after: .disabled, published: []),
    Case(before: .disabled, change: .enabled, after: .active, published: [.memberActivated, .membershipAdded]),
    Case(before: .disabled, change: .enabled, after: .invited, published: []),
    Case(before: .disabled, change: .deleted, after: .disabled, published: [.memberDeleted]),
  ]

  @Test("publishes the changes for the product", arguments: cases)
  func published(_ example: Case) {
    var bench = Bench()
    bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
    if let before = example.before { bench.apply(Bench.userEvent(ana, .created, before, version: 1)) }
    let published = bench.apply(Bench.userEvent(ana, example.change, example.after, version: 2))
    #expect(published.map(\.change) == example.published)
    #expect(published.allSatisfy { $0.member == ana })
    let revocation = bench.decider.published.last { $0.event.change == .accessRevoked }
    #expect(revocation?.event.reason == (revocation == nil ? nil : example.change == .deleted ? .deleted : .disabled))
    #expect(bench.shown(in: team) == (example.after == .active ? [ana] : []))
    #expect(bench.members(of: team) == (example.change == .deleted ? [] : [ana]))
  }

  @Test("without attributes that were too large for the topic keeps their stored values")
  func omitted() throws {
    var bench = Bench()
    bench.apply(Bench.userEvent(ana, .created, .active, version: 1))
    let update = try Bench.userEvent(ana, .updated, .active, version: 2, role: String(repeating: "x", count: 1 << 20)).withoutLargeFields()
    #expect(bench.apply(update) == [])
    #expect(bench.member(ana)?.version == 2 && bench.member(ana)?.presence.content?.role == "viewer")
  }

  @Test("is published for each group of the user")
  func everyGroup() {
    var bench = Bench()
    let groups = (1...3).map { Bench.group($0) }
    for group in groups { bench.apply(Bench.groupEvent(group, .created, version: 1, adding: [ana])) }
    let published = bench.apply(Bench.userEvent(ana, .created, .active, version: 1))
    #expect(published == [PublishedChange(.memberActivated, ana)] + groups.map { PublishedChange(.membershipAdded, ana, in: $0) })
  }

  @Test("with another role publishes it while the user is active", arguments: [UserState.invited, .active, .disabled])
  func role(_ state: UserState) throws {
    var bench = Bench()
    bench.apply(Bench.userEvent(ana, .created, state, version: 1))
    let published = bench.apply(Bench.userEvent(ana, .updated, state, version: 2, role: "admin"))
    #expect(published == (state == .active ? [PublishedChange(.roleChanged, ana)] : []))
    #expect(bench.member(ana)?.presence.content?.role == "admin")
  }

  @Test("that is not newer changes nothing", arguments: [Int64(1), 4, 5])
  func stale(_ version: Int64) {
    var bench = Bench()
    bench.apply(Bench.userEvent(ana, .created, .active, version: 5))
    let before = bench.decider.directory
    #expect(bench.apply(Bench.userEvent(ana, .disabled, .disabled, version: version)) == [])
    #expect(bench.decider.directory == before)
  }

  @Test("of a deletion leaves no personal data, and the user does not come back")
  func deletion() {
    var bench = Bench()
    bench.apply(
      Bench.userEvent(ana, .created, .active, version: 1), Bench.groupEvent(team, .created, version: 1, adding: [ana]),
      Bench.userEvent(ana, .deleted, .disabled, version: 2))
    #expect(bench.member(ana) == Member(key: MemberKey(workspace: Bench.workspace, id: ana), version: 2, presence: .deleted))
    #expect(bench.decider.published.suffix(3).allSatisfy { $0.event.email == nil && $0.event.role == nil })
    #expect(bench.apply(Bench.userEvent(ana, .created, .active, version: 3)) == [])
    // An event of a group that was on its way meanwhile.
    #expect(bench.apply(Bench.groupEvent(team, .updated, version: 2, adding: [ana])) == [])
    #expect(bench.members(of: team) == [])
  }

  @Test("carries its trace and the same ids each time it is decided")
  func identity() throws {
    let event = Bench.userEvent(ana, .activated, .active, version: 7)
    let ids = (0..<2).map { _ in
      var bench = Bench()
      bench.apply(Bench.groupEvent(team, .created, version: 1, adding: [ana]))
      bench.decider.decide(event, traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
      #expect(bench.decider.published.dropFirst().allSatisfy { $0.traceparent?.isEmpty == false })
      return bench.decider.published.map(\.id)
    }
    #expect(ids[0] == ids[1])
    #expect(Set(ids[0]).count == 3)
  }
}
