import Foundation
import Models

@testable import GroupSync

/// A plan with a clock, and short names for what happens to it.
struct PlanFixture {
  static let workspace = Fixture.workspace
  static let other = WorkspaceID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)))
  /// This process delivers the events of all workspaces.
  static let everything = WorkspaceOwnership(partitions: [0], count: 1)

  var plan: DeliveryPlan
  var now = Fixture.time

  init(limits: DeliveryLimits = DeliveryLimits()) {
    plan = DeliveryPlan(limits: limits)
  }

  /// A plan that knows `endpoints`, of which nothing was delivered.
  static func started(_ endpoints: [WebhookEndpoint], limits: DeliveryLimits = DeliveryLimits()) -> PlanFixture {
    var fixture = PlanFixture(limits: limits)
    fixture.plan.assign(everything, at: fixture.now)
    _ = fixture.start()
    fixture.refreshed(endpoints)
    return fixture
  }

  static func endpoint(_ number: UInt8 = 1, of workspace: WorkspaceID = .deployment, types: [DirectoryEvent.Kind]? = nil) -> WebhookEndpoint
  {
    WebhookEndpoint(
      id: WebhookID(UUID(uuid: (4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number))), workspace: workspace,
      url: "https://product.example/\(number)", types: types, sealedSecret: [], createdAt: Fixture.time, version: 1)
  }

  static func event(
    _ sequence: Int64, _ type: DirectoryEvent.Kind = .memberUpdated, in workspace: WorkspaceID = PlanFixture.workspace
  ) -> LoggedEvent {
    LoggedEvent(
      workspace: workspace, sequence: sequence, id: "\(workspace)/\(sequence)", type: type.rawValue, changedAt: Fixture.time,
      data: #"{"sequence":\#(sequence)}"#)
  }

  mutating func start() -> [DeliveryWork] { plan.start(at: now) }

  mutating func refreshed(_ endpoints: [WebhookEndpoint], deleted: [EndpointKey] = [], lanes: [StoredLane] = [], tests: [TestOrder] = []) {
    plan.end(RefreshedEndpoints(revision: 1, changed: endpoints, deleted: deleted, lanes: lanes, tests: tests), at: now)
  }

  mutating func commit(_ events: LoggedEvent...) { plan.commit(events, at: now) }

  /// Begins what can be done, answers queries of cursors with `cursor`, and returns the requests.
  mutating func requests(cursor: DeliveryLane.Cursor = .init()) -> [DeliveryRequest] {
    var requests: [DeliveryRequest] = []
    while true {
      let work = start()
      guard !work.isEmpty else { return requests }
      for item in work {
        switch item {
        case .send(let request): requests.append(request)
        case .load(let keys): plan.end(keys, keys.map { StoredLane(key: $0, cursor: cursor, latest: 0) }, at: now)
        default: break
        }
      }
    }
  }

  mutating func end(_ request: DeliveryRequest, _ outcome: DeliveryOutcome = .delivered) {
    plan.end(
      request, DeliveryResult(outcome: outcome, startedAt: now, duration: .milliseconds(1)), at: now, jitter: 0.5)
  }

  /// Records all results. The cursors of all lanes are stored.
  @discardableResult
  mutating func record() -> DeliveryRecording {
    let recording = plan.takeResults()
    plan.end(recording, confirmed: Set(recording.lanes.map(\.key)), at: now)
    return recording
  }

  mutating func wait(_ seconds: TimeInterval) { now += seconds }
}

extension [DeliveryRequest] {
  /// The sequence numbers, and the workspaces if there are several.
  var sequences: [Int64] { map(\.event.sequence) }
}
