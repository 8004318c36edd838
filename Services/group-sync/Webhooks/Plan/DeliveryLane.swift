import DequeModule
import Foundation
import Models

/// The deliveries of one endpoint for one workspace: a cursor in the event log, and the next events as far as they are in memory. Pure.
struct DeliveryLane: Sendable {
  /// What is stored of a lane.
  struct Cursor: Sendable, Hashable {
    /// All events up to this sequence number are delivered, skipped, or of types that the endpoint does not receive.
    var lastSequence: Int64 = 0
    /// Later events that are delivered or skipped already.
    var ahead: Set<Int64> = []
    /// Failed attempts at the next event.
    var attempts = 0
    var firstFailedAt: Date?
    var nextAttemptAt: Date?
    var lastError: String?
    /// Increases with each order of an administrator.
    var revision: Int64 = 0
  }

  /// Whether the cursor was read from the database.
  enum Phase: Sendable, Hashable {
    case unknown
    case loading
    case loaded
  }

  private(set) var cursor = Cursor()
  var phase = Phase.unknown
  /// The last event of the workspace that is known to exist.
  var latest: Int64 = 0
  /// The next events that the endpoint receives, in order.
  private(set) var upcoming: Deque<LoggedEvent> = []
  /// The first event that is in ``upcoming``, or was left out because the endpoint does not receive it.
  private var readFrom: Int64 = 1
  /// The last such event.
  private(set) var readThrough: Int64 = 0
  /// The memory that ``upcoming`` takes, in bytes.
  private(set) var bytes = 0

  /// Events to attempt ahead of their turn now.
  private(set) var urgent: Deque<LoggedEvent> = []
  /// Events that were attempted ahead of their turn without success. They are attempted again when the next event is.
  private(set) var urgentLater: [LoggedEvent] = []

  /// Whether the next event is being sent.
  var isSending = false
  /// The event that is being sent ahead of its turn.
  var sendingAhead: Int64?
  /// Whether events are being read from the log.
  var isReading = false
  /// Whether the lane waits for one of the concurrent requests.
  var isQueued = false
  /// Whether the lane waits to send an event ahead of its turn.
  var isQueuedAhead = false
  /// Whether an order or a change of the endpoint may have changed the cursor in the database, so that it has to be read again.
  var isStale = false
  /// Whether the cursor differs from the stored one.
  var isDirty = false

  /// The bound of ``upcoming``. Further events are read from the log.
  static let maximumUpcoming = 200
  /// The bound of events that are attempted ahead of their turn. Further ones are delivered in order only.
  static let maximumUrgent = 200
  /// The bound of events that were delivered ahead of their turn. Further ones are delivered in order only.
  static let maximumAhead = 10_000

  /// The next event to deliver in order.
  var head: LoggedEvent? { upcoming.first }

  /// Whether there are events that have to be read from the log.
  var isBehind: Bool { readThrough < latest }

  /// Whether an event waits to be sent ahead of its turn.
  var maySendAhead: Bool { !urgent.isEmpty && sendingAhead == nil && cursor.ahead.count < Self.maximumAhead }

  /// Whether a request or a query of the lane has not ended.
  var isBusy: Bool { isSending || sendingAhead != nil || isReading || phase == .loading }

  /// Whether nothing is lost if the lane is removed from memory: everything is delivered and recorded.
  var isIdle: Bool { phase == .loaded && !isBusy && !isDirty && !isQueued && !isQueuedAhead && upcoming.isEmpty && !isBehind }

  /// The number of events that are not delivered, including those of types that the endpoint does not receive.
  var pending: Int64 { max(0, latest - cursor.lastSequence) }
}

// MARK: - Events

extension DeliveryLane {
  /// Adds an event that was just committed, if it directly follows the others and there is space for it.
  mutating func append(_ event: LoggedEvent, isReceived: Bool, mayHold: Bool) {
    latest = max(latest, event.sequence)
    if isReceived, event.isUrgent, event.sequence > cursor.lastSequence, !cursor.ahead.contains(event.sequence) {
      let isNext = phase == .loaded && upcoming.isEmpty && !isSending && !isReading && readThrough == event.sequence - 1
      if !isNext || cursor.nextAttemptAt != nil { addUrgent(event) }
    }
    if phase != .loaded, readThrough == 0 {
      // The cursor is not known yet. Usually the event is the next one, and the log need not be read.
      readFrom = event.sequence
      readThrough = event.sequence - 1
    }
    // While attempts fail, only the next event is kept.
    let mayHold = mayHold && (cursor.nextAttemptAt == nil || upcoming.isEmpty) && upcoming.count < Self.maximumUpcoming
    guard event.sequence == readThrough + 1, !isReading, mayHold else { return }
    extend(with: event, isReceived: isReceived)
  }

  /// Adds events that were read from the log after ``readThrough``.
  ///
  /// - Returns: The number of events that are missing, because the log keeps events for a limited time.
  mutating func append(page: [(event: LoggedEvent, isReceived: Bool)], readAt latestAtRead: Int64) -> Int64 {
    var missing: Int64 = 0
    for (event, isReceived) in page where event.sequence > readThrough {
      missing += event.sequence - readThrough - 1
      extend(with: event, isReceived: isReceived)
    }
    if page.isEmpty, latestAtRead > readThrough {
      missing += latestAtRead - readThrough
      readThrough = latestAtRead
    }
    latest = max(latest, readThrough)
    return missing
  }

  private mutating func extend(with event: LoggedEvent, isReceived: Bool) {
    readThrough = event.sequence
    guard isReceived else { return }
    upcoming.append(event)
    bytes += event.size
  }

  /// Adds an event to attempt ahead of its turn.
  mutating func addUrgent(_ event: LoggedEvent) {
    guard urgent.count + urgentLater.count < Self.maximumUrgent else { return }
    guard !urgent.contains(where: { $0.sequence == event.sequence }), !urgentLater.contains(where: { $0.sequence == event.sequence }) else {
      return
    }
    urgent.append(event)
  }

  /// Moves the cursor over events that were delivered or skipped ahead of their turn, and over those that the endpoint does not receive.
  mutating func advance() {
    guard phase == .loaded, !isSending else { return }
    while let event = upcoming.first, cursor.ahead.contains(event.sequence) { removeHead() }
    // The event before the next one that is delivered.
    let reached = upcoming.first.map { $0.sequence - 1 } ?? readThrough
    guard reached > cursor.lastSequence else { return }
    cursor.lastSequence = reached
    cursor.ahead = cursor.ahead.filter { $0 > reached }
    isDirty = true
  }

  private mutating func removeHead() {
    guard let event = upcoming.popFirst() else { return }
    bytes -= event.size
  }

  /// Sets the cursor that was read, and removes what it covers.
  mutating func load(_ cursor: Cursor, latest: Int64) {
    self.cursor = cursor
    self.latest = max(self.latest, latest)
    phase = .loaded
    isDirty = false
    // Events in memory are used if none is missing between them and the cursor.
    if readFrom > cursor.lastSequence + 1 || readThrough < cursor.lastSequence {
      upcoming = []
      bytes = 0
      readThrough = cursor.lastSequence
    }
    while let event = upcoming.first, event.sequence <= cursor.lastSequence { removeHead() }
    urgent.removeAll { $0.sequence <= cursor.lastSequence || cursor.ahead.contains($0.sequence) }
    urgentLater.removeAll { $0.sequence <= cursor.lastSequence || cursor.ahead.contains($0.sequence) }
  }

  /// Forgets the cursor and the events, which are read again. The events to attempt ahead of their turn remain.
  mutating func unload() {
    cursor = Cursor()
    phase = .unknown
    upcoming = []
    bytes = 0
    readFrom = 1
    readThrough = 0
    isStale = false
    isDirty = false
    isQueued = false
    isQueuedAhead = false
  }
}

// MARK: - Attempts

extension DeliveryLane {
  /// The next event to attempt ahead of its turn. One that has become the next event, or is sent as such, is left out.
  mutating func takeUrgent() -> LoggedEvent? {
    while let event = urgent.popFirst() {
      let isDone = event.sequence <= cursor.lastSequence || cursor.ahead.contains(event.sequence)
      let isHead = event.sequence == upcoming.first?.sequence
      if !isDone, !isHead { return event }
    }
    return nil
  }

  /// Begins another round of events that are attempted ahead of their turn.
  mutating func retryUrgent() {
    urgent.append(contentsOf: urgentLater)
    urgentLater = []
  }

  /// Records that the next event was delivered.
  mutating func deliver(_ event: LoggedEvent) {
    isSending = false
    isDirty = true
    clearFailures()
    guard upcoming.first?.sequence == event.sequence else { return }
    removeHead()
    cursor.lastSequence = max(cursor.lastSequence, event.sequence)
    cursor.ahead = cursor.ahead.filter { $0 > cursor.lastSequence }
  }

  /// Records that the next event was not delivered.
  mutating func fail(nextAttemptAt: Date, error: String, now: Date) {
    isSending = false
    isDirty = true
    cursor.attempts += 1
    cursor.firstFailedAt = cursor.firstFailedAt ?? now
    cursor.nextAttemptAt = nextAttemptAt
    cursor.lastError = error
    keepHeadOnly()
  }

  /// Postpones the next event, which could not be sent for a reason that the endpoint has nothing to do with.
  mutating func postpone(until time: Date, error: String) {
    isSending = false
    isDirty = true
    cursor.nextAttemptAt = time
    cursor.lastError = error
    keepHeadOnly()
  }

  /// Removes all events but the next one. They are read from the log when it was delivered.
  private mutating func keepHeadOnly() {
    guard let event = head, upcoming.count > 1 else { return }
    upcoming = [event]
    bytes = event.size
    readThrough = event.sequence
  }

  /// Records that an event was delivered ahead of its turn.
  mutating func deliverAhead(_ event: LoggedEvent) {
    sendingAhead = nil
    guard event.sequence > cursor.lastSequence else { return }
    cursor.ahead.insert(event.sequence)
    isDirty = true
  }

  /// Records that an event was not delivered ahead of its turn.
  ///
  /// - Parameter isUnreachable: Whether the endpoint did not respond, so that the other events need not be attempted now.
  mutating func failAhead(_ event: LoggedEvent, isUnreachable: Bool) {
    sendingAhead = nil
    urgentLater.append(event)
    guard isUnreachable else { return }
    urgentLater += urgent
    urgent = []
  }

  /// Makes the next attempt due.
  mutating func retryNow(_ now: Date) {
    guard cursor.nextAttemptAt != nil else { return }
    cursor.nextAttemptAt = now
  }

  private mutating func clearFailures() {
    cursor.attempts = 0
    cursor.firstFailedAt = nil
    cursor.nextAttemptAt = nil
    cursor.lastError = nil
  }
}
