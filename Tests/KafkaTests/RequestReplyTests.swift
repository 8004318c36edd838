import Foundation
import Kafka
import Models
import TestSupport
import Testing

@Suite("Request and reply")
struct RequestReplyTests {
  private static let future = Date(timeIntervalSinceNow: 600)

  /// The clients of a test: one that sends requests, and one that receives them and can reply.
  private struct Exchange {
    var requests: Topic
    var replies: Topic
    var client: RequestReply
    var producer: Producer
    var responder: Consumer

    func ask(_ text: String, deadline: Date = future) async throws -> CloudEvent? {
      let address = try client.address()
      let event = CloudEvent(
        id: text, source: "test/0", type: "question", subject: "s", time: Date(timeIntervalSince1970: 1),
        extensions: ["correlationid": address.correlationID, "replypartition": String(address.partition)], data: Array(text.utf8))
      return try await client.request(
        OutgoingMessage(event, topic: requests, key: "k"), correlationID: address.correlationID, deadline: deadline)
    }

    /// Sends the reply to a request `times` times.
    func reply(to request: CloudEvent, times: Int = 1) async throws {
      let answer = CloudEvent(
        id: request.id, source: "test/1", type: "answer", subject: "s", time: Date(timeIntervalSince1970: 1),
        extensions: ["correlationid": try request.required("correlationid")], data: Array("re: ".utf8) + request.data)
      let partition = try Int32(request.required("replypartition"))
      for _ in 0..<times { try await producer.send(OutgoingMessage(answer, topic: replies, key: "k", partition: partition)) }
    }
  }

  private func exchanging(instance: Int = 0, maximumPending: Int = 100, _ body: (Exchange) async throws -> Void) async throws {
    let broker = try await KafkaBroker.shared()
    let requests = try await broker.topic("requests")
    let replies = try await broker.topic("replies", partitions: 3)
    let producer = try Producer(broker.configuration(), logger: quiet)
    let client = try RequestReply(
      broker.configuration(), producer: producer, replyTopic: replies, instance: instance, maximumPending: maximumPending, logger: quiet)
    let responder = try broker.consumer(of: requests)
    try await running(producer, client, responder) {
      try await client.waitUntilReady()
      try await body(Exchange(requests: requests, replies: replies, client: client, producer: producer, responder: responder))
    }
  }

  @Test("Each of many requests gets its own reply, however the replies are ordered")
  func manyRequests() async throws {
    try await exchanging(instance: 4) { exchange in
      #expect(try exchange.client.address().partition == 1)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<50 {
          group.addTask {
            let reply = try await exchange.ask("\(number)")
            #expect(reply.map { String(decoding: $0.data, as: UTF8.self) } == "re: \(number)")
          }
        }
        var requests: [CloudEvent] = []
        for try await batch in exchange.responder.batches {
          requests += try batch.messages.map { try $0.cloudEvent() }
          if requests.count == 50 { break }
        }
        for request in requests.reversed() { try await exchange.reply(to: request, times: 2) }
        try await group.waitForAll()
      }
      #expect(exchange.client.pendingRequests == 0)
    }
  }

  @Test("A request without a reply ends at its deadline")
  func deadline() async throws {
    try await exchanging { exchange in
      let reply = try await exchange.ask("anyone?", deadline: Date(timeIntervalSinceNow: 0.2))
      #expect(reply == nil)
      #expect(exchange.client.pendingRequests == 0)
    }
  }

  @Test("A request over the limit of pending requests fails at once")
  func bound() async throws {
    try await exchanging(maximumPending: 1) { exchange in
      async let first = exchange.ask("first")
      try await eventually("the first request to be pending") { exchange.client.pendingRequests == 1 }
      let error = await #expect(throws: KafkaError.self) { try await exchange.ask("second") }
      #expect(error?.code == .tooManyPending)
      var batches = exchange.responder.batches.makeAsyncIterator()
      let request = try #require(try await batches.next()?.messages.first).cloudEvent()
      try await exchange.reply(to: request)
      #expect(try await first != nil)
    }
  }

  @Test("A request fails at once if the producer has reached its limit")
  func fullProducer() async throws {
    let broker = try await KafkaBroker.shared()
    let replies = try await broker.topic("replies")
    let nowhere = KafkaConfiguration(bootstrapServers: "127.0.0.1:1", clientID: "test")
    let producer = try Producer(nowhere, maximumInFlight: 1, logger: quiet)
    let client = try RequestReply(broker.configuration(), producer: producer, replyTopic: replies, instance: 0, logger: quiet)
    try await running(client) {
      try await client.waitUntilReady()
      func ask(_ deadline: Date) async throws -> CloudEvent? {
        let message = OutgoingMessage(topic: "requests", key: nil, headers: [], value: [1])
        return try await client.request(message, correlationID: try client.address().correlationID, deadline: deadline)
      }
      async let first = ask(Date(timeIntervalSinceNow: 15))
      try await eventually("the first request to be pending") { producer.inFlight == 1 }
      let error = await #expect(throws: KafkaError.self) { try await ask(Self.future) }
      #expect(error?.code == .tooManyPending)
      #expect(client.pendingRequests == 1)
      #expect(try await first == nil)
    }
    await producer.close(timeout: .zero)
  }

  @Test("A task that is cancelled no longer waits for its reply")
  func cancellation() async throws {
    try await exchanging { exchange in
      let pending = Task { try await exchange.ask("never mind") }
      try await eventually("the request to be pending") { exchange.client.pendingRequests == 1 }
      pending.cancel()
      await #expect(throws: CancellationError.self) { try await pending.value }
      #expect(exchange.client.pendingRequests == 0)
    }
  }

  @Test("Other messages on the reply topic are ignored")
  func unexpectedMessage() async throws {
    try await exchanging { exchange in
      let partition = try exchange.client.address().partition
      try await exchange.producer.send(message(exchange.replies, "unexpected", partition: partition))
      async let reply = exchange.ask("still there?")
      var batches = exchange.responder.batches.makeAsyncIterator()
      let request = try #require(try await batches.next()?.messages.first).cloudEvent()
      try await exchange.reply(to: request)
      #expect(try await reply?.id == "still there?")
    }
  }

  @Test("While the reply topic is missing, requests are rejected; when it exists again, replies arrive")
  func lostReplyTopic() async throws {
    try await exchanging { exchange in
      let broker = try await KafkaBroker.shared()
      try await broker.delete(exchange.replies)
      try await eventually("the loss to be noticed") { exchange.client.hasLostReplyTopic }
      let error = #expect(throws: KafkaError.self) { try exchange.client.address() }
      #expect(error?.code == .notReady)
      try await TopicAdministration.ensure(
        [exchange.replies], partitions: 3, replication: 1, configuration: broker.configuration(), logger: quiet)
      try await eventually("replies to be read again") { exchange.client.isReady }
      async let reply = exchange.ask("back?")
      var batches = exchange.responder.batches.makeAsyncIterator()
      let request = try #require(try await batches.next()?.messages.first).cloudEvent()
      try await eventually("the reply to be sent") {
        try await exchange.reply(to: request)
        return true
      }
      #expect(try await reply?.id == "back?")
    }
  }

  @Test("The client is not ready before its partition is known")
  func notReady() async throws {
    let broker = try await KafkaBroker.shared()
    let producer = try Producer(broker.configuration(), logger: quiet)
    let client = try RequestReply(
      broker.configuration(), producer: producer, replyTopic: Topic(name: "nowhere", retention: 1), instance: 0, logger: quiet)
    let error = #expect(throws: KafkaError.self) { try client.address() }
    #expect(error?.code == .notReady)
    await producer.close()
  }
}
