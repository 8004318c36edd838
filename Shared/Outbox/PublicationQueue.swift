import Kafka

/// The state of an ``OutboxRelay``: the transactions whose messages are not yet published, in their order, and the ids of published messages
/// that are not yet deleted.
///
/// Each transaction takes a place in the order before it commits, while it holds the locks of what it changes. Its messages are posted to the
/// producer after those of all earlier places. A transaction that waited for the locks of another one therefore comes after it, no matter in
/// which order their tasks resume after the commits.
struct PublicationQueue {
  /// Where messages are taken from.
  enum Source {
    /// From the transactions that this process commits.
    case memory
    /// From the table: at start, and after an error. Everything that is in the table is published before anything from memory.
    case table
  }

  private struct Entry {
    enum Phase {
      /// The transaction has not ended.
      case open
      /// The messages are committed.
      case committed([StoredMessage])
      /// The messages are posted to the producer.
      case posted([StoredMessage])
      /// The outcomes of the messages are known, or their rows are left to the table.
      case done([StoredMessage], failures: [Int: KafkaError])
    }

    var phase = Phase.open
  }

  /// The bound of committed and of posted messages in memory. Beyond it, the messages are read from the table later.
  static let maximumMessages = 5_000
  /// The bound of committed and of posted messages in memory, in bytes.
  static let maximumBytes = 16 << 20

  private(set) var source = Source.table
  private var entries: [Entry] = []
  /// The number of the first entry.
  private var first = 0
  /// The number of messages and bytes that are committed or posted.
  private var held = (messages: 0, bytes: 0)
  /// Keys with a failed message. Later messages of these keys do not count as published.
  private var failedKeys: Set<OutboxRelay.OrderingKey> = []
  /// Until when messages are taken from the table only.
  private(set) var tableUntil: ContinuousClock.Instant?
  /// Whether the table may have messages that were neither in memory nor seen by the last read.
  private var needsRead = true
  /// The place of the next transaction to post.
  private var next = 0
  /// The number of places whose messages are posted.
  private var posting = 0
  /// The ids of the last page that was read from the table. Their transactions may report them afterwards.
  private var lastPage: Set<Int> = []
  /// Published messages whose rows nobody deletes yet.
  private var published: [Int] = []
  /// Published messages whose rows are being deleted.
  private var deleting: Set<Int> = []

  /// The number of messages that the brokers have acknowledged since the last call of ``takeAcknowledged()``.
  private var acknowledged = 0

  /// Whether outcomes of posted messages are unknown.
  var isPosting: Bool { posting > 0 }

  /// Whether rows of published messages are not being deleted.
  var hasPublished: Bool { !published.isEmpty }

  /// The ids of published messages whose rows may still exist.
  var undeleted: [Int] { published + deleting }
}

// MARK: - Transactions

extension PublicationQueue {
  /// Takes the next place in the order.
  mutating func open() -> Int {
    entries.append(Entry())
    return first + entries.count - 1
  }

  /// Adds the messages of a transaction that is committed; none if it was rolled back.
  mutating func commit(_ place: Int, _ messages: [StoredMessage]) {
    let messages = lastPage.isEmpty ? messages : messages.filter { !lastPage.contains($0.id) }
    let bytes = messages.reduce(0) { $0 + $1.message.size }
    guard held.messages + messages.count <= Self.maximumMessages, held.bytes + bytes <= Self.maximumBytes else {
      return leaveToTable(place)
    }
    held = (held.messages + messages.count, held.bytes + bytes)
    entries[place - first].phase = .committed(messages)
  }

  /// Makes the relay read the table before it publishes anything else.
  ///
  /// - Parameter time: Until when messages are not taken from memory.
  mutating func readTable(until time: ContinuousClock.Instant? = nil) {
    source = .table
    needsRead = true
    if let time { tableUntil = tableUntil.map { max($0, time) } ?? time }
  }

  /// Leaves the messages of a transaction to the table, because they do not fit into memory or the producer does not accept them.
  mutating func leaveToTable(_ place: Int) {
    release(place)
    entries[place - first].phase = .done([], failures: [:])
    readTable()
    removeDone()
  }

  /// The next messages to post with their place; nil if the next transaction has not ended, or if the table has to be read first.
  mutating func nextToPost() -> (place: Int, messages: [StoredMessage])? {
    next = max(next, first)
    while source == .memory, next - first < entries.count {
      let place = next
      switch entries[place - first].phase {
      case .open:
        return nil
      case .posted, .done:
        next += 1
      case .committed(let messages):
        if messages.contains(where: \.isLarge) {
          // The broker may reject a large message, and no later one of its key may overtake its replacement.
          leaveToTable(place)
          return nil
        }
        next += 1
        guard messages.isEmpty else {
          entries[place - first].phase = .posted(messages)
          posting += 1
          return (place, messages)
        }
        entries[place - first].phase = .done([], failures: [:])
        removeDone()
        next = max(next, first)
      }
    }
    return nil
  }

  /// Records the outcome of posted messages, and returns the first error.
  mutating func complete(_ place: Int, _ failures: [Int: KafkaError]) -> KafkaError? {
    guard case .posted(let messages) = entries[place - first].phase else { return nil }
    release(place)
    entries[place - first].phase = .done(messages, failures: failures)
    if !failures.isEmpty { readTable() }
    removeDone()
    return failures.keys.min().flatMap { failures[$0] }
  }

  private mutating func release(_ place: Int) {
    let messages: [StoredMessage]
    switch entries[place - first].phase {
    case .committed(let committed): messages = committed
    case .posted(let posted):
      messages = posted
      posting -= 1
    case .open, .done: return
    }
    held.messages -= messages.count
    held.bytes -= messages.reduce(0) { $0 + $1.message.size }
  }

  /// Removes the first entries that are done, and counts their messages as published up to the first failure of each key: a message that
  /// follows a failed one is sent again after it.
  private mutating func removeDone() {
    var count = 0
    for entry in entries {
      guard case .done(let messages, let failures) = entry.phase else { break }
      for (index, message) in messages.enumerated() {
        if failures[index] != nil { failedKeys.insert(message.orderingKey) }
        guard failedKeys.isEmpty || !failedKeys.contains(message.orderingKey) else { continue }
        published.append(message.id)
        acknowledged += 1
      }
      count += 1
    }
    entries.removeFirst(count)
    first += count
  }

  /// The number of messages that were acknowledged since the last call.
  mutating func takeAcknowledged() -> Int {
    defer { acknowledged = 0 }
    return acknowledged
  }
}

// MARK: - The table

extension PublicationQueue {
  /// Prepares a read of the table, which sees all messages that are committed by now: they are dropped from memory.
  ///
  /// No message may be posted at the moment.
  mutating func beginRead() {
    for index in entries.indices {
      guard case .committed = entries[index].phase else { continue }
      release(first + index)
      entries[index].phase = .done([], failures: [:])
    }
    removeDone()
    failedKeys = []
    needsRead = false
  }

  /// Returns to memory after a page that was the last one, unless it is too early.
  ///
  /// - Parameter page: The ids of the page. Messages that were committed before the read and reported after it are not published again.
  /// - Returns: Whether nothing was dropped from memory since the read began. Otherwise the table has to be read again.
  mutating func endRead(_ page: [Int], at now: ContinuousClock.Instant) -> Bool {
    guard !needsRead else { return false }
    if let time = tableUntil, now < time { return true }
    tableUntil = nil
    lastPage = Set(page)
    for index in entries.indices {
      guard case .committed(let messages) = entries[index].phase else { continue }
      release(first + index)
      commit(first + index, messages)
    }
    source = .memory
    return true
  }
}

// MARK: - Deletions

extension PublicationQueue {
  /// Adds messages that were published from the table.
  mutating func addPublished(_ ids: [Int]) {
    published += ids
  }

  /// Takes ids of published messages in order to delete their rows.
  mutating func takeDeletion(_ limit: Int) -> [Int] {
    let ids = Array(published.prefix(limit))
    published.removeFirst(ids.count)
    deleting.formUnion(ids)
    return ids
  }

  /// Ends a deletion. If it failed, the ids are taken again later.
  mutating func endDeletion(_ ids: [Int], isDeleted: Bool) {
    deleting.subtract(ids)
    if !isDeleted { published += ids }
  }
}

extension StoredMessage {
  /// The key within which order is kept.
  var orderingKey: OutboxRelay.OrderingKey { OutboxRelay.OrderingKey(topic: message.topic, key: message.key) }

  /// Whether it may exceed the limit of its topic. It is sent alone, so that no message overtakes its replacement.
  var isLarge: Bool { message.size > 512 << 10 }
}
