import Testing

@testable import Kafka
@testable import Outbox

@Suite("Publication queue")
struct PublicationQueueTests {
  private static func message(_ id: Int, key: String = "a", size: Int = 1) -> StoredMessage {
    StoredMessage(
      id: id, message: OutgoingMessage(topic: "topic", key: Array(key.utf8), value: Array(repeating: 0, count: size)))
  }

  /// A queue that has read an empty table.
  private static func ready() -> PublicationQueue {
    var queue = PublicationQueue()
    queue.beginRead()
    #expect(queue.endRead([], at: .now) == true)
    return queue
  }

  private let now = ContinuousClock.now

  private static let failure = KafkaError.closed(action: "produce", brokers: "none")

  @Test("Messages are posted in the order of the places, and after the table was read")
  func order() {
    var queue = PublicationQueue()
    let early = queue.open()
    queue.commit(early, [Self.message(1)])
    #expect(queue.nextToPost() == nil)
    queue.beginRead()
    let (first, second, third) = (queue.open(), queue.open(), queue.open())
    queue.commit(third, [Self.message(4)])
    queue.commit(second, [])
    // Message 1 is in the page, and is not posted again.
    #expect(queue.endRead([1, 4], at: now) == true)
    #expect(queue.nextToPost() == nil)
    queue.commit(first, [Self.message(2), Self.message(1)])
    #expect(queue.nextToPost()?.messages.map(\.id) == [2])
    #expect(queue.nextToPost() == nil)
    #expect(queue.complete(first, [:]) == nil)
    #expect(queue.undeleted == [2] && !queue.isPosting)
    #expect(queue.takeAcknowledged() == 1)
  }

  @Test("What was published from the table does not delay what follows it")
  func publishedFromTable() {
    var queue = Self.ready()
    let (first, second) = (queue.open(), queue.open())
    queue.commit(second, [Self.message(1)])
    queue.readTable()
    queue.beginRead()
    #expect(queue.endRead([1], at: now) == true)
    let third = queue.open()
    queue.commit(third, [Self.message(3)])
    #expect(queue.nextToPost() == nil)
    queue.commit(first, [Self.message(2)])
    #expect(queue.nextToPost()?.place == first)
    #expect(queue.nextToPost()?.place == third)
    #expect(queue.nextToPost() == nil)
  }

  @Test("After a failure, messages of the same key do not count as published, in whatever order the outcomes arrive")
  func failure() {
    var queue = Self.ready()
    let (first, second) = (queue.open(), queue.open())
    queue.commit(first, [Self.message(1), Self.message(2, key: "b")])
    queue.commit(second, [Self.message(3), Self.message(4, key: "b")])
    while queue.nextToPost() != nil {}
    #expect(queue.complete(second, [:]) == nil)
    #expect(queue.undeleted.isEmpty && queue.isPosting)
    #expect(queue.complete(first, [0: Self.failure]) == Self.failure)
    #expect(queue.source == .table && !queue.isPosting && queue.undeleted == [2, 4])
    queue.beginRead()
    queue.addPublished([1, 3])
    #expect(queue.endRead([1, 3], at: now) == true)
    #expect(queue.source == .memory)
  }

  @Test("Large messages, and messages beyond the bound, are left to the table with all that follow")
  func bound() {
    var queue = Self.ready()
    let (first, second) = (queue.open(), queue.open())
    queue.commit(first, [Self.message(1, size: 1 << 20)])
    queue.commit(second, [Self.message(2)])
    #expect(queue.nextToPost() == nil && queue.source == .table)
    queue.beginRead()
    let many = queue.open()
    queue.commit(many, (3..<4 + PublicationQueue.maximumMessages).map { Self.message($0) })
    // The read may not have seen what was dropped since.
    #expect(queue.endRead([1, 2], at: now) == false)
    queue.beginRead()
    #expect(queue.endRead([], at: now) == true)
    #expect(queue.nextToPost() == nil)
    let last = queue.open()
    queue.commit(last, [Self.message(1_000_000)])
    #expect(queue.nextToPost()?.messages.map(\.id) == [1_000_000])
    // The producer has too many messages in flight.
    queue.leaveToTable(last)
    #expect(queue.source == .table && !queue.isPosting && queue.undeleted.isEmpty)
  }

  @Test("A request to read the table during a read leads to another read")
  func readAgain() {
    var queue = Self.ready()
    queue.readTable()
    queue.beginRead()
    queue.readTable()
    #expect(queue.endRead([], at: now) == false)
    queue.beginRead()
    #expect(queue.endRead([], at: now) == true)
  }

  @Test("For some time after an assignment, messages are taken from the table only")
  func takeover() {
    var queue = Self.ready()
    queue.readTable(until: now + .seconds(10))
    queue.readTable(until: now + .seconds(5))
    queue.beginRead()
    let place = queue.open()
    queue.commit(place, [Self.message(1)])
    #expect(queue.endRead([], at: now + .seconds(9)) == true)
    #expect(queue.source == .table && queue.nextToPost() == nil)
    queue.beginRead()
    let next = queue.open()
    queue.commit(next, [Self.message(2)])
    #expect(queue.endRead([1], at: now + .seconds(10)) == true)
    #expect(queue.tableUntil == nil)
    #expect(queue.nextToPost()?.messages.map(\.id) == [2])
  }

  @Test("Ids of published messages are deleted once, or again after a failure")
  func deletion() {
    var queue = Self.ready()
    queue.addPublished([1, 2, 3])
    let ids = queue.takeDeletion(2)
    #expect(ids == [1, 2] && Set(queue.undeleted) == [1, 2, 3])
    queue.endDeletion(ids, isDeleted: false)
    #expect(queue.takeDeletion(10) == [3, 1, 2])
    #expect(!queue.hasPublished)
    queue.endDeletion([1, 2, 3], isDeleted: true)
    #expect(queue.undeleted.isEmpty)
  }
}
