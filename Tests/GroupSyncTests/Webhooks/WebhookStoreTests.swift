import Foundation
import Models
import Postgres
import Testing

@testable import GroupSync

@Suite("The storage of webhooks")
struct WebhookStoreTests {
  private static let url = "https://product.example/hook"

  private func refresh(_ database: WebhookDatabase, after revision: Int64 = 0) async throws -> RefreshedEndpoints {
    try await database.store.refresh(after: revision, others: [:])
  }

  @Test("A new endpoint starts after the events that exist, and a change that is not newer changes nothing")
  func creation() async throws {
    let database = try await WebhookDatabase.start()
    try await database.createUsers(1...2)
    let last = try #require(try await database.log().last?.sequence)
    var endpoint = try database.endpoint(url: Self.url, types: [.memberActivated])
    try await database.change(endpoint)
    #expect(try await database.cursor(of: endpoint)?.lastSequence == last)

    let first = try await refresh(database)
    #expect(first.changed.map(\.id) == [endpoint.id] && first.changed.first?.types == [.memberActivated])
    #expect(first.changed.first?.sealedSecret == endpoint.sealedSecret && first.lanes.isEmpty)
    endpoint.url = "https://product.example/other"
    try await database.change(endpoint, .restated)
    #expect(try await refresh(database, after: first.revision).changed.isEmpty)
    endpoint.version = 2
    try await database.change(endpoint, .updated)
    #expect(try await refresh(database, after: first.revision).changed.map(\.url) == [endpoint.url])

    try await database.createUsers(3...3)
    let lanes = try await refresh(database).lanes
    #expect(lanes.map(\.cursor.lastSequence) == [last] && lanes.first.map { $0.latest > last } == true)
  }

  @Test("An endpoint of the deployment receives the events of all workspaces, also of new ones from their first")
  func deployment() async throws {
    let database = try await WebhookDatabase.start()
    let endpoint = try database.endpoint(of: .deployment, url: Self.url)
    try await database.change(endpoint)
    try await database.createUsers(1...1)
    let lanes = try await refresh(database).lanes
    #expect(lanes.map(\.key.workspace) == [Fixture.workspace] && lanes.first?.cursor == DeliveryLane.Cursor())
    let events = try await database.store.events(of: Fixture.workspace, after: 0, types: nil)
    let log = try await database.log()
    #expect(!log.isEmpty && events.map(\.sequence) == log.map(\.sequence))
    #expect(events.first?.changedAt == Fixture.time)
    let unwanted = try await database.store.events(of: Fixture.workspace, after: 0, types: ["group.created"])
    #expect(unwanted.map(\.data).allSatisfy(\.isEmpty) && unwanted.count == events.count)
  }

  @Test("A deleted endpoint loses its cursors, and an older event does not bring it back")
  func deletion() async throws {
    let database = try await WebhookDatabase.start()
    try await database.createUsers(1...1)
    var endpoint = try database.endpoint(url: Self.url)
    try await database.change(endpoint)
    endpoint.version = 2
    try await database.change(endpoint, .deleted)
    #expect(try await database.cursor(of: endpoint) == nil)
    #expect(try await refresh(database).deleted == [endpoint.key])
    endpoint.version = 1
    try await database.change(endpoint)
    #expect(try await refresh(database).deleted == [endpoint.key])
    // A result that arrives late does not create a cursor.
    let recorded = try await database.store.record(Self.recording(endpoint, .init(lastSequence: 1)))
    #expect(recorded.isEmpty)
    #expect(try await database.cursor(of: endpoint) == nil)
  }

  @Test("A cursor is recorded unless an order changed it, and does not go back")
  func recording() async throws {
    let database = try await WebhookDatabase.start()
    let endpoint = try database.endpoint(url: Self.url)
    try await database.change(endpoint)
    let key = LaneKey(endpoint: endpoint.key, workspace: Fixture.workspace)
    let cursor = DeliveryLane.Cursor(
      lastSequence: 3, ahead: [5, 7], attempts: 2, firstFailedAt: Fixture.time, nextAttemptAt: Fixture.time + 5, lastError: "500")
    #expect(try await database.store.record(Self.recording(endpoint, cursor)) == [key])
    #expect(try await database.cursor(of: endpoint) == cursor)
    #expect(try await database.store.record(Self.recording(endpoint, .init(lastSequence: 2))).isEmpty)

    try await database.order(.skip(endpoint.id, workspace: Fixture.workspace, sequence: 4), 1)
    let skipped = try #require(try await database.cursor(of: endpoint))
    #expect(skipped == DeliveryLane.Cursor(lastSequence: 3, ahead: [4, 5, 7], revision: 1))
    #expect(try await database.store.record(Self.recording(endpoint, cursor)).isEmpty)
    #expect(try await database.cursor(of: endpoint) == skipped)
    // The same order again, as after a redelivery.
    try await database.order(.skip(endpoint.id, workspace: Fixture.workspace, sequence: 6), 1)
    #expect(try await database.cursor(of: endpoint) == skipped)
  }

  @Test("A redelivery sets the cursors back to a time, and to none later than where they are")
  func redelivery() async throws {
    let database = try await WebhookDatabase.start()
    try await database.createUsers(1...3)
    let endpoint = try database.endpoint(url: Self.url)
    try await database.change(endpoint)
    let last = try #require(try await database.log().last?.sequence)
    try await database.order(.redeliver(endpoint.id, workspace: nil, since: .now + 3600), 1)
    #expect(try await database.cursor(of: endpoint)?.lastSequence == last)
    try await database.order(.redeliver(endpoint.id, workspace: nil, since: .now - 3600), 2)
    #expect(try await database.cursor(of: endpoint)?.lastSequence == 0)
    #expect(try await refresh(database).lanes.map(\.latest) == [last])
  }

  @Test("An endpoint that is enabled again is tried at once, where it stopped")
  func enabling() async throws {
    let database = try await WebhookDatabase.start()
    var endpoint = try database.endpoint(url: Self.url)
    try await database.change(endpoint)
    _ = try await database.store.record(
      Self.recording(
        endpoint, .init(lastSequence: 1, attempts: 9, firstFailedAt: Fixture.time, nextAttemptAt: Fixture.time, lastError: "500")))
    (endpoint.state, endpoint.version) = (.disabled, 2)
    try await database.change(endpoint, .disabled)
    #expect(try await database.cursor(of: endpoint)?.attempts == 9)
    (endpoint.state, endpoint.version) = (.enabled, 3)
    try await database.change(endpoint, .updated)
    #expect(try await database.cursor(of: endpoint) == DeliveryLane.Cursor(lastSequence: 1, revision: 1))
  }

  @Test("A test waits until it was sent, and orders about unknown endpoints are ignored")
  func tests() async throws {
    let database = try await WebhookDatabase.start()
    let endpoint = try database.endpoint(url: Self.url)
    try await database.order(.test(endpoint.id), 1)
    try await database.change(endpoint)
    try await database.order(.test(endpoint.id), 2)
    try await database.order(.test(endpoint.id), 2)
    let tests = try await refresh(database).tests
    #expect(tests.count == 1)
    let done = DeliveryRecording(tests: tests.map { (endpoint.workspace, $0.id) })
    _ = try await database.store.record(done)
    #expect(try await refresh(database).tests.isEmpty)
  }

  @Test("Only the workspace of an endpoint, or for the deployment's the operator, reads its deliveries")
  func isolation() async throws {
    let database = try await WebhookDatabase.start()
    for endpoint in [try database.endpoint(1, url: Self.url), try database.endpoint(2, of: .deployment, url: Self.url)] {
      try await database.change(endpoint)
      var recording = Self.recording(endpoint, .init(lastSequence: 1))
      recording.deliveries = [Self.delivery(endpoint)]
      _ = try await database.store.record(recording)
    }
    let server = database.directory.edge
    let statement = Statement(
      "owners", "select owner_id from directory_read.webhook_deliveries union all select owner_id from directory_read.webhook_cursors")
    for workspace in [Fixture.workspace, .deployment] {
      let owners = try await server.query(statement, under: LocalSetting("rollcall.workspace", workspace.description)).map {
        WorkspaceID(try $0.uuid(0))
      }
      #expect(owners == [workspace, workspace])
    }
    let none = try await server.query(statement, under: LocalSetting("rollcall.workspace", PlanFixture.other.description))
    #expect(none.isEmpty)
  }

  @Test("Maintenance creates partitions for the next days, and keeps rows of days without one")
  func maintenance() async throws {
    let database = try await WebhookDatabase.start()
    try await database.store.maintain(keep: 7)
    let partitions = try await database.directory.pool.query(
      Statement("partitions", "select count(*) from pg_inherits where inhparent = 'directory.webhook_deliveries'::regclass"))
    // Today and the next two days, and the default one.
    #expect(try partitions.first?.int(0) == 4)
    let endpoint = try database.endpoint(url: Self.url)
    try await database.change(endpoint)
    var old = Self.delivery(endpoint)
    old.result.startedAt = .now - 30 * 86_400
    _ = try await database.store.record(DeliveryRecording(deliveries: [old, Self.delivery(endpoint)]))
    #expect(try await database.deliveries().count == 2)
    try await database.store.maintain(keep: 7)
    #expect(try await database.deliveries().count == 1)
  }

  private static func recording(_ endpoint: WebhookEndpoint, _ cursor: DeliveryLane.Cursor) -> DeliveryRecording {
    DeliveryRecording(lanes: [(LaneKey(endpoint: endpoint.key, workspace: Fixture.workspace), cursor)])
  }

  private static func delivery(_ endpoint: WebhookEndpoint) -> DeliveryRecord {
    DeliveryRecord(
      owner: endpoint.workspace, endpoint: endpoint.id, workspace: Fixture.workspace, sequence: 1, eventID: "e", type: "member.updated",
      attempt: 1, isAhead: false, url: endpoint.url,
      result: DeliveryResult(outcome: .delivered, startedAt: .now, duration: .milliseconds(3)))
  }
}
