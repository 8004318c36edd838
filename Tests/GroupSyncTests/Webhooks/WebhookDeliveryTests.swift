import Foundation
import Hummingbird
import Models
import NIOCore
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import GroupSync

/// Deliveries from a real database to a real HTTP server.
@Suite("Webhook deliveries")
struct WebhookDeliveryTests {
  @Test("Committed events arrive in their order, signed, and are recorded")
  func delivery() async throws {
    let database = try await WebhookDatabase.start()
    let receiver = try WebhookReceiver()
    let endpoint = try database.endpoint(url: receiver.url("/rollcall?x=1"))
    let dispatcher = database.dispatcher()
    try await database.change(endpoint)
    try await running([receiver, dispatcher]) {
      try await receiver.ready()
      dispatcher.noteChanges()
      try await database.createUsers(1...5)
      dispatcher.noteUnknownCommit()
      let log = try await database.log()
      try await eventually("the events") { receiver.requests.count >= log.count }
      let requests = receiver.requests
      #expect(requests.compactMap(\.sequence) == log.map(\.sequence))
      #expect(requests.map(\.type) == log.map(\.type))
      for request in requests {
        #expect(request.path == "/rollcall" && request.host == "127.0.0.1:\(receiver.port)")
        #expect(request.signature == database.secret.signature(id: request.id, timestamp: request.timestamp, body: request.body))
      }
      try await eventually("the cursor") { try await database.cursor(of: endpoint)?.lastSequence == log.last?.sequence }
      let rows = try await database.deliveries()
      #expect(rows.map(\.sequence) == log.map { Int($0.sequence) })
      #expect(rows.allSatisfy { $0.isDelivered && $0.status == 204 && $0.attempt == 1 })
    }
  }

  @Test("Events of a batch are delivered from memory when it is committed")
  func fromMemory() async throws {
    let database = try await WebhookDatabase.start()
    let receiver = try WebhookReceiver()
    let endpoint = try database.endpoint(url: receiver.url())
    let dispatcher = database.dispatcher()
    try await database.change(endpoint)
    let transaction = DirectoryTransaction(
      pool: database.directory.pool, writer: DirectoryWriter(source: "group-sync/test"), webhooks: dispatcher)
    try await running([receiver, dispatcher]) {
      try await receiver.ready()
      try await eventually("the endpoint") { dispatcher.plan.withLock { $0.endpoints[endpoint.key] != nil } }
      let events = (1...3).map { Fixture.userEvent(Fixture.user(UInt8($0)), .created, .active, version: 1) }
      for event in events { _ = try await transaction.process([try DirectoryDatabase.received(event)]) }
      let log = try await database.log()
      try await eventually("the events") { receiver.requests.count == log.count }
      #expect(receiver.requests.compactMap(\.sequence) == log.map(\.sequence))
    }
  }

  @Test("An event that is rejected is sent again with the same id, and those after it wait")
  func retries() async throws {
    let database = try await WebhookDatabase.start()
    let refusals = Mutex(3)
    let receiver = try WebhookReceiver { _ in
      let refuses = refusals.withLock { count in
        count -= 1
        return count >= 0
      }
      return refuses
        ? Response(status: .internalServerError, body: .init(byteBuffer: ByteBuffer(string: "out of order"))) : Response(status: .ok)
    }
    let endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    try await database.createUsers(1...2)
    let log = try await database.log()
    let dispatcher = database.dispatcher()
    try await running([receiver, dispatcher]) {
      try await eventually("the cursor") { try await database.cursor(of: endpoint)?.lastSequence == log.last?.sequence }
      let requests = receiver.requests
      #expect(requests.compactMap(\.sequence) == [1, 1, 1] + log.map(\.sequence))
      #expect(Set(requests.prefix(4).map(\.id)).count == 1)
      let failed = try await database.deliveries().filter { !$0.isDelivered }
      #expect(failed.map(\.attempt) == [1, 2, 3])
      #expect(failed.allSatisfy { $0.status == 500 && $0.body == "out of order" && $0.error.contains("500") })
    }
  }

  @Test("A redirect is not followed, and a response that is too long is cut off")
  func responses() async throws {
    let database = try await WebhookDatabase.start()
    let other = try WebhookReceiver()
    let location = other.url()
    let receiver = try WebhookReceiver { request in
      if request.sequence == 1 { return Response(status: .temporaryRedirect, headers: [.location: location]) }
      return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(repeating: UInt8(ascii: "x"), count: 1 << 20)))
    }
    let endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    try await database.createUsers(1...2)
    let dispatcher = database.dispatcher()
    try await running([other, receiver, dispatcher]) {
      try await eventually("a redirect") { try await database.deliveries().contains { $0.status == 307 } }
      try await database.order(.skip(endpoint.id, workspace: Fixture.workspace, sequence: 1), 1)
      dispatcher.noteChanges()
      try await eventually("the next event") { try await database.deliveries().contains { $0.status == 200 } }
      #expect(other.requests.isEmpty)
      let rows = try await database.deliveries()
      #expect(rows.first { $0.status == 200 }?.body.utf8.count == 1024)
      #expect(rows.contains { $0.sequence == 1 && $0.error == "skipped by an administrator" })
    }
  }

  @Test("An endpoint that does not respond in time, or is in a private network, gets the event again later")
  func unreachable() async throws {
    let database = try await WebhookDatabase.start()
    let receiver = try WebhookReceiver(WebhookReceiver.hang)
    let endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    try await database.createUsers(1...1)
    let schedule = WebhookRetrySchedule(delays: [3600])
    var limits = WebhookClient.Limits()
    limits.timeout = .milliseconds(200)
    let slow = database.dispatcher(schedule: schedule, clientLimits: limits)
    try await running([receiver, slow]) {
      try await eventually("the timeout") { try await database.deliveries().map(\.error) == ["the endpoint did not respond in time"] }
    }
    let cursor = try #require(try await database.cursor(of: endpoint))
    #expect(cursor.lastSequence == 0 && cursor.attempts == 1)

    // As after an order to redeliver, which makes the event due again.
    try await database.order(.redeliver(endpoint.id, workspace: nil, since: .now - 3600), 1)
    let guarded = database.dispatcher(schedule: schedule, allowsPrivateAddresses: false)
    let before = receiver.requests.count
    try await running([guarded]) {
      try await eventually("the refusal") {
        try await database.deliveries().last?.error == "127.0.0.1 is not an address of the Internet"
      }
    }
    #expect(receiver.requests.count == before)
  }

  @Test("A revocation arrives although the event before it is stuck, and not again")
  func revocation() async throws {
    let database = try await WebhookDatabase.start()
    let isStuck = Mutex(true)
    let receiver = try WebhookReceiver { request in
      Response(status: request.sequence == 1 && isStuck.withLock { $0 } ? .serviceUnavailable : .ok)
    }
    let endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    try await database.createUsers(1...1)
    try await database.directory.apply([Fixture.userEvent(Fixture.user(1), .updated, .disabled, version: 2)])
    let log = try await database.log()
    let revoked = try #require(log.first { $0.type == "access-revoked" }?.sequence)
    let dispatcher = database.dispatcher()
    try await running([receiver, dispatcher]) {
      try await eventually("the revocation") { receiver.requests.contains { $0.sequence == revoked } }
      isStuck.withLock { $0 = false }
      try await eventually("the cursor") { try await database.cursor(of: endpoint)?.lastSequence == log.last?.sequence }
      #expect(receiver.requests.filter { $0.sequence == revoked }.count == 1)
      let inOrder = receiver.requests.compactMap(\.sequence).filter { $0 != 1 && $0 != revoked }
      #expect(inOrder == log.map(\.sequence).filter { $0 != 1 && $0 != revoked })
    }
  }

  @Test("Another process continues where a process has ended, and repeats only what was not recorded")
  func restart() async throws {
    let database = try await WebhookDatabase.start()
    let receiver = try WebhookReceiver()
    let endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    let (first, second) = (database.dispatcher(), database.dispatcher())
    try await database.createUsers(1...3)
    let before = try await database.log().count
    try await running([receiver]) {
      try await receiver.ready()
      try await running([first]) { try await eventually("the first events") { receiver.requests.count == before } }
      try await database.createUsers(4...6)
      let log = try await database.log()
      try await running([second]) { try await eventually("the others") { receiver.requests.count >= log.count } }
      #expect(receiver.requests.compactMap(\.sequence) == log.map(\.sequence))
    }
  }

  @Test("A test is sent to a disabled endpoint, too, and events wait until it is enabled")
  func disabled() async throws {
    let database = try await WebhookDatabase.start()
    let receiver = try WebhookReceiver()
    var endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    (endpoint.state, endpoint.version) = (.disabled, 2)
    try await database.change(endpoint, .disabled)
    try await database.createUsers(1...1)
    try await database.order(.test(endpoint.id), 1)
    let dispatcher = database.dispatcher()
    try await running([receiver, dispatcher]) {
      try await eventually("the test") { receiver.requests.map(\.type) == ["webhook.test"] }
      (endpoint.state, endpoint.version) = (.enabled, 3)
      try await database.change(endpoint, .updated)
      dispatcher.noteChanges()
      let log = try await database.log()
      try await eventually("the events") { receiver.requests.compactMap(\.sequence) == log.map(\.sequence) }
      #expect(try await database.deliveries().filter { $0.sequence == 0 }.count == 1)
    }
  }

  @Test("An endpoint that fails for too long is reported to identity-store")
  func givenUp() async throws {
    let database = try await WebhookDatabase.start()
    let receiver = try WebhookReceiver { _ in Response(status: .gone) }
    let endpoint = try database.endpoint(url: receiver.url())
    try await database.change(endpoint)
    try await database.createUsers(1...1)
    let reported = Mutex<[String]>([])
    let dispatcher = database.dispatcher(schedule: WebhookRetrySchedule(delays: [0.05], limit: 0)) { endpoint, reason in
      reported.withLock { $0.append("\(endpoint.version) \(reason)") }
    }
    try await running([receiver, dispatcher]) {
      try await eventually("the report") { reported.withLock { !$0.isEmpty } }
      try await eventually("more attempts") { receiver.requests.count > 2 }
      #expect(reported.withLock { $0 }.count == 1)
      #expect(reported.withLock { $0 }.first?.contains("status 410") == true)
    }
  }

  @Test("An endpoint that hangs does not delay the others")
  func isolation() async throws {
    let database = try await WebhookDatabase.start()
    let hangs = try WebhookReceiver(WebhookReceiver.hang)
    let receiver = try WebhookReceiver()
    try await database.change(try database.endpoint(1, url: hangs.url()))
    try await database.change(try database.endpoint(2, url: receiver.url()))
    try await database.createUsers(1...20)
    let log = try await database.log()
    let dispatcher = database.dispatcher()
    try await running([hangs, receiver, dispatcher]) {
      try await eventually("the events") { receiver.requests.count == log.count }
      // It waits for the response to the first event, which is sent again after 15 s.
      #expect(Set(hangs.requests.map(\.id)).count == 1)
    }
  }
}
