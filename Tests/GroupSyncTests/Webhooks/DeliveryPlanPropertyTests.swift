import Foundation
import Models
import TestSupport
import Testing

@testable import GroupSync

/// Runs plans against a log, stored cursors and an endpoint that are simulated, with failures and restarts at random times.
@Suite("The plan of webhook deliveries, with random failures")
struct DeliveryPlanPropertyTests {
  @Test("Every event arrives, and none for the first time after a later one unless it is a revocation", arguments: 1...20)
  func simulation(seed: UInt64) {
    var simulation = Simulation(seed: seed)
    for _ in 0..<400 { simulation.step() }
    simulation.finish()
    for (workspace, log) in simulation.log {
      let arrived = simulation.arrived[workspace] ?? []
      #expect(Set(arrived.map(\.sequence)) == Set(log.map(\.sequence)), "seed \(seed)")
      var seen: Set<Int64> = []
      let first = arrived.filter { seen.insert($0.sequence).inserted && !$0.isUrgent }.map(\.sequence)
      #expect(first == first.sorted(), "seed \(seed)")
    }
  }
}

private struct Simulation {
  private var random: SeededGenerator
  private var fixture = PlanFixture()
  private var work: [DeliveryWork] = []
  private(set) var log: [WorkspaceID: [LoggedEvent]] = [:]
  private var cursors: [WorkspaceID: DeliveryLane.Cursor] = [:]
  private(set) var arrived: [WorkspaceID: [LoggedEvent]] = [:]
  private var fails = true
  private let endpoint = PlanFixture.endpoint()
  private let workspaces = [PlanFixture.workspace, PlanFixture.other]

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    restart()
  }

  mutating func step() {
    switch Int.random(in: 0..<10, using: &random) {
    case 0...2: commit()
    case 3: fixture.wait([1, 10, 1000].randomElement(using: &random) ?? 1)
    case 4: record()
    case 5 where Int.random(in: 0..<20, using: &random) == 0: restart()
    default: complete()
    }
    work += fixture.start()
  }

  /// Lets everything succeed, until nothing is left to do.
  mutating func finish() {
    fails = false
    for _ in 0..<10_000 {
      work += fixture.start()
      guard work.isEmpty else {
        complete()
        continue
      }
      record()
      guard let alarm = fixture.plan.nextAlarm, fixture.plan.pending > 0 else { continue }
      fixture.now = max(fixture.now, alarm)
    }
  }

  private mutating func restart() {
    let now = fixture.now
    fixture = PlanFixture()
    fixture.now = now
    work = []
    fixture.plan.assign(PlanFixture.everything, at: now)
  }

  private mutating func commit() {
    guard let workspace = workspaces.randomElement(using: &random) else { return }
    let events = (0..<Int.random(in: 1...4, using: &random)).map { offset in
      PlanFixture.event(
        Int64((log[workspace]?.count ?? 0) + offset + 1), Int.random(in: 0..<4, using: &random) == 0 ? .accessRevoked : .memberUpdated,
        in: workspace)
    }
    log[workspace, default: []] += events
    // Sometimes the commit is not noticed until the log is read again.
    if Int.random(in: 0..<10, using: &random) == 0 {
      fixture.plan.noteUnknownCommit()
    } else {
      fixture.plan.commit(events, at: fixture.now)
    }
  }

  private mutating func complete() {
    guard !work.isEmpty else { return }
    let now = fixture.now
    switch work.remove(at: Int.random(in: 0..<work.count, using: &random)) {
    case .refresh:
      let lanes = workspaces.filter { (log[$0]?.count ?? 0) > (cursors[$0]?.lastSequence ?? 0) }.map(stored)
      fixture.refreshed([endpoint], lanes: lanes)
    case .load(let keys): fixture.plan.end(keys, keys.map { stored($0.workspace) }, at: now)
    case .read(let key, let after, _, let latest):
      let events = (log[key.workspace] ?? []).filter { $0.sequence > after }.prefix(3)
      #expect(fixture.plan.end(read: key, after: after, latest: latest, Array(events), at: now) == 0)
    case .readUrgent(let key, let after):
      fixture.plan.end(readUrgent: key, (log[key.workspace] ?? []).filter { $0.sequence > after && $0.isUrgent }, at: now)
    case .send(let request):
      let outcome: DeliveryOutcome =
        switch fails ? Int.random(in: 0..<6, using: &random) : 5 {
        case 0: .unreachable("refused")
        case 1: .rejected("500")
        default: .delivered
        }
      // A response may be lost on its way.
      if outcome != .unreachable("refused") || Bool.random(using: &random) { note(request, outcome) }
      fixture.end(request, outcome)
    case .test, .disable: break
    }
  }

  private mutating func note(_ request: DeliveryRequest, _ outcome: DeliveryOutcome) {
    guard case .rejected = outcome else {
      arrived[request.key.workspace, default: []].append(request.event)
      return
    }
  }

  private mutating func record() {
    let recording = fixture.plan.takeResults()
    for (key, cursor) in recording.lanes { cursors[key.workspace] = cursor }
    fixture.plan.end(recording, confirmed: Set(recording.lanes.map(\.key)), at: fixture.now)
  }

  private func stored(_ workspace: WorkspaceID) -> StoredLane {
    StoredLane(
      key: LaneKey(endpoint: endpoint.key, workspace: workspace), cursor: cursors[workspace] ?? .init(),
      latest: Int64(log[workspace]?.count ?? 0))
  }
}
