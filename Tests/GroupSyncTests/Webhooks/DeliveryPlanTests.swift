import Foundation
import Models
import Testing

@testable import GroupSync

@Suite("The plan of webhook deliveries")
struct DeliveryPlanTests {
  private typealias F = PlanFixture

  @Test("Events of a workspace are sent one at a time, in their order")
  func order() {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1), F.event(2), F.event(3))
    for sequence in 1...3 {
      let requests = fixture.requests()
      #expect(requests.sequences == [Int64(sequence)])
      if let request = requests.first { fixture.end(request) }
    }
    #expect(fixture.requests().isEmpty)
    #expect(fixture.record().lanes.map(\.cursor.lastSequence) == [3])
  }

  @Test("Workspaces and endpoints do not wait for each other")
  func parallel() {
    var fixture = F.started([F.endpoint(1), F.endpoint(2), F.endpoint(3, of: F.other)])
    fixture.commit(F.event(1), F.event(2), F.event(1, in: F.other))
    let requests = fixture.requests()
    #expect(requests.count == 5)
    #expect(requests.allSatisfy { $0.event.sequence == 1 })
    #expect(requests.filter { $0.endpoint.id == F.endpoint(3).id }.map(\.key.workspace) == [F.other])
  }

  @Test("Endpoints of two workspaces with the same id have deliveries of their own")
  func sameID() throws {
    let (own, foreign) = (F.endpoint(1, of: F.workspace), F.endpoint(1, of: F.other))
    var fixture = F.started([own, foreign])
    fixture.commit(F.event(1), F.event(1, in: F.other))
    let requests = fixture.requests()
    #expect(Set(requests.map(\.endpoint.workspace)) == [F.workspace, F.other])
    #expect(requests.allSatisfy { $0.endpoint.workspace == $0.key.workspace })
    for request in requests { fixture.end(request) }
    #expect(Set(fixture.record().lanes.map(\.key)) == Set(requests.map(\.key)))
    // The deletion of one leaves the other.
    fixture.refreshed([], deleted: [foreign.key])
    fixture.commit(F.event(2), F.event(2, in: F.other))
    #expect(fixture.requests().map(\.key.workspace) == [F.workspace])
  }

  @Test("A failed event is attempted again as scheduled, and none after it is sent before")
  func retries() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1), F.event(2))
    fixture.end(try #require(fixture.requests().first), .rejected("500"))
    #expect(fixture.requests().isEmpty)
    fixture.commit(F.event(3))
    #expect(fixture.requests().isEmpty)
    #expect(fixture.plan.nextAlarm == fixture.now + 5)
    let cursor = try #require(fixture.record().lanes.first?.cursor)
    #expect(cursor.attempts == 1 && cursor.firstFailedAt == fixture.now && cursor.lastSequence == 0)
    fixture.wait(5)
    let second = try #require(fixture.requests().first)
    #expect(second.event.sequence == 1 && second.attempt == 2)
    fixture.end(second)
    // The others were dropped from memory, and are read from the log.
    let reads = fixture.start().compactMap { work -> Int64? in if case .read(_, let after, _, _) = work { after } else { nil } }
    #expect(reads == [1])
  }

  @Test("An event that waits for its next attempt counts from its first failure until it is read from the log")
  func age() {
    var fixture = F.started([])
    let endpoint = F.endpoint()
    let cursor = DeliveryLane.Cursor(attempts: 3, firstFailedAt: fixture.now - 7200, nextAttemptAt: fixture.now + 3600, lastError: "500")
    let lane = StoredLane(key: LaneKey(endpoint: endpoint.key, workspace: F.workspace), cursor: cursor, latest: 3)
    fixture.refreshed([endpoint], lanes: [lane])
    #expect(fixture.requests().isEmpty)
    #expect(fixture.plan.oldest == fixture.now - 7200)
  }

  @Test("A revocation is sent ahead of a stuck event, and is not sent again in its turn")
  func urgent() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1))
    fixture.end(try #require(fixture.requests().first), .rejected("500"))
    fixture.commit(F.event(2, .accessRevoked), F.event(3))
    let ahead = try #require(fixture.requests().first)
    #expect(ahead.isAhead && ahead.event.sequence == 2)
    fixture.end(ahead)
    #expect(fixture.record().lanes.first?.cursor.ahead == [2])
    #expect(fixture.requests().isEmpty)

    fixture.wait(10)
    let first = try #require(fixture.requests().first)
    #expect(first.event.sequence == 1 && !first.isAhead)
    fixture.end(first)
    let key = first.key
    guard case .read(_, let after, _, let latest)? = fixture.start().first else {
      Issue.record("the events are not read from the log")
      return
    }
    #expect(fixture.plan.end(read: key, after: after, latest: latest, [F.event(2, .accessRevoked), F.event(3)], at: fixture.now) == 0)
    #expect(fixture.requests().sequences == [3])
  }

  @Test("A revocation that fails ahead of its turn is attempted again when the stuck event is")
  func urgentAgain() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1), F.event(2, .accessRevoked))
    let both = fixture.requests()
    #expect(both.map(\.isAhead) == [false, true])
    for request in both { fixture.end(request, .unreachable("refused")) }
    #expect(fixture.requests().isEmpty)
    fixture.wait(10)
    #expect(fixture.requests().map(\.event.sequence) == [1, 2])
  }

  @Test("A revocation that is the next event is sent once")
  func urgentNext() {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1, .accessRevoked), F.event(2))
    #expect(fixture.requests().map(\.isAhead) == [false])
  }

  @Test("Events of other types are passed over, and the cursor moves on")
  func types() throws {
    var fixture = F.started([F.endpoint(types: [.memberDeleted])])
    fixture.commit(F.event(1), F.event(2))
    #expect(fixture.requests().isEmpty)
    #expect(fixture.record().lanes.first?.cursor.lastSequence == 2)
    fixture.commit(F.event(3, .memberDeleted), F.event(4))
    fixture.end(try #require(fixture.requests().first))
    #expect(fixture.requests().isEmpty)
    #expect(fixture.record().lanes.first?.cursor.lastSequence == 4)
  }

  @Test("Undelivered events are read from the log after a start")
  func start() throws {
    var fixture = F()
    fixture.plan.assign(F.everything, at: fixture.now)
    guard case .refresh(after: 0, others: _)? = fixture.start().first else {
      Issue.record("the endpoints are not read")
      return
    }
    let key = LaneKey(endpoint: F.endpoint().key, workspace: F.workspace)
    fixture.refreshed([F.endpoint()], lanes: [StoredLane(key: key, cursor: .init(lastSequence: 7), latest: 9)])
    guard case .read(_, after: 7, types: nil, latest: 9)? = fixture.start().first else {
      Issue.record("the events are not read")
      return
    }
    #expect(fixture.plan.end(read: key, after: 7, latest: 9, [F.event(8), F.event(9)], at: fixture.now) == 0)
    #expect(fixture.requests().sequences == [8])
  }

  @Test("Events that the log no longer has are counted, and delivery goes on with the next one")
  func expired() {
    var fixture = F()
    fixture.plan.assign(F.everything, at: fixture.now)
    _ = fixture.start()
    let key = LaneKey(endpoint: F.endpoint().key, workspace: F.workspace)
    fixture.refreshed([F.endpoint()], lanes: [StoredLane(key: key, cursor: .init(lastSequence: 2), latest: 9)])
    _ = fixture.start()
    #expect(fixture.plan.end(read: key, after: 2, latest: 9, [F.event(8), F.event(9)], at: fixture.now) == 5)
    #expect(fixture.requests().sequences == [8])
  }

  @Test("Events that are committed while the endpoints are read are not missed")
  func commitDuringRefresh() {
    var fixture = F()
    fixture.plan.assign(F.everything, at: fixture.now)
    _ = fixture.start()
    fixture.commit(F.event(5))
    fixture.refreshed([F.endpoint()])
    let loads = fixture.start().compactMap { work -> [LaneKey]? in if case .load(let keys) = work { keys } else { nil } }
    #expect(loads == [[LaneKey(endpoint: F.endpoint().key, workspace: F.workspace)]])
  }

  @Test("Committed events are sent from memory if they follow the stored cursor, and read from the log otherwise")
  func memory() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(5), F.event(6))
    #expect(fixture.requests(cursor: .init(lastSequence: 4)).sequences == [5])

    var behind = F.started([F.endpoint()])
    behind.commit(F.event(5), F.event(6))
    for case .load(let keys) in behind.start() {
      behind.plan.end(keys, keys.map { StoredLane(key: $0, cursor: .init(lastSequence: 2), latest: 6) }, at: behind.now)
    }
    guard case .read(_, after: 2, _, _)? = behind.start().first else {
      Issue.record("the events are not read from the log")
      return
    }
  }

  @Test("An endpoint that does not respond has few requests in flight, until it responds")
  func failing() throws {
    var limits = DeliveryLimits()
    limits.requestsPerFailingEndpoint = 1
    var fixture = F.started([F.endpoint()], limits: limits)
    let workspaces = (1...5).map { WorkspaceID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, UInt8($0)))) }
    fixture.plan.commit(workspaces.map { F.event(1, in: $0) }, at: fixture.now)
    let first = fixture.requests()
    #expect(first.count == 5)
    for request in first { fixture.end(request, .unreachable("refused")) }
    fixture.wait(10)
    let probe = fixture.requests()
    #expect(probe.count == 1)
    fixture.end(try #require(probe.first))
    #expect(fixture.requests().count == 4)
  }

  @Test("When an endpoint responds again, its other workspaces are tried at once")
  func recovery() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1), F.event(1, in: F.other))
    for request in fixture.requests() { fixture.end(request, .unreachable("refused")) }
    fixture.wait(10)
    let second = fixture.requests()
    fixture.end(second[0], .unreachable("refused"))
    // The next attempt of the first one is due in five minutes.
    fixture.end(second[1])
    #expect(fixture.requests().map(\.key) == [second[0].key])
  }

  @Test("An endpoint of one workspace does not take all requests")
  func turns() {
    var limits = DeliveryLimits()
    limits.requests = 2
    var fixture = F.started([F.endpoint(1), F.endpoint(2, of: F.workspace)], limits: limits)
    let many = (1...9).map { WorkspaceID(UUID(uuid: (1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, UInt8($0)))) }
    fixture.plan.commit(many.map { F.event(1, in: $0) } + [F.event(1)], at: fixture.now)
    #expect(Set(fixture.requests().map(\.endpoint.id)) == [F.endpoint(1).id, F.endpoint(2).id])
  }

  @Test("An endpoint that failed for three days is disabled, and asked for once")
  func disabled() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1))
    fixture.end(try #require(fixture.requests().first), .rejected("the response had the status 500"))
    fixture.wait(3 * 86_400)
    fixture.end(try #require(fixture.requests().first), .rejected("the response had the status 500"))
    let reasons = fixture.start().compactMap { work -> String? in if case .disable(_, let reason) = work { reason } else { nil } }
    #expect(reasons == ["Deliveries have failed since 2023-11-14T22:13:20.000Z: the response had the status 500"])

    var endpoint = F.endpoint()
    (endpoint.state, endpoint.version) = (.disabled, 2)
    fixture.record()
    fixture.refreshed([endpoint])
    fixture.wait(86_400)
    #expect(fixture.requests().isEmpty)
    #expect(fixture.plan.lanes.isEmpty)
  }

  @Test("A cursor that an order changed is read again")
  func unconfirmed() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1), F.event(2))
    fixture.end(try #require(fixture.requests().first))
    let recording = fixture.plan.takeResults()
    fixture.plan.end(recording, confirmed: [], at: fixture.now)
    // The event that is next was not begun, so the lane is read at once.
    let loads = fixture.start().compactMap { work -> Int? in if case .load(let rows) = work { rows.count } else { nil } }
    #expect(loads == [1])
  }

  @Test("Workspaces of other processes are ignored, and lanes of revoked partitions are removed")
  func ownership() throws {
    var fixture = F.started([F.endpoint()])
    fixture.commit(F.event(1))
    let request = try #require(fixture.requests().first)
    fixture.plan.assign(WorkspaceOwnership(), at: fixture.now)
    fixture.end(request)
    #expect(fixture.record().lanes.map(\.cursor.lastSequence) == [1])
    #expect(fixture.plan.lanes.isEmpty)
    fixture.commit(F.event(2))
    #expect(fixture.requests().isEmpty)
  }

  @Test("A test is sent once, whatever the state of the endpoint")
  func tests() throws {
    var endpoint = F.endpoint()
    endpoint.state = .disabled
    var fixture = F.started([endpoint])
    let test = TestOrder(
      id: CommandID(UUID(uuid: (5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))), endpoint: endpoint, orderedAt: Fixture.time)
    for _ in 0..<2 {
      fixture.refreshed([], tests: [test])
    }
    let sent = fixture.start().filter { if case .test = $0 { true } else { false } }
    #expect(sent.count == 1)
    fixture.plan.end(test, DeliveryResult(outcome: .delivered, startedAt: fixture.now, duration: .zero))
    let recording = fixture.record()
    #expect(recording.tests.map(\.id) == [test.id])
    #expect(recording.deliveries.map(\.type) == ["webhook.test"])
  }
}
