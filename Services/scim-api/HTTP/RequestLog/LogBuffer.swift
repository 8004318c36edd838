import Foundation
import Logging
import Metrics
import ProvisioningLog
import Synchronization

/// Requests on their way to the provisioning log: bounded, so that no request ever waits for the log, and without a cost while there is
/// none.
package final class LogBuffer: Sendable {
  private struct State {
    var waiting: [LoggedRequest] = []
    var bytes = 0
    var isClosed = false
    var reader: CheckedContinuation<Void, Never>?
    /// Requests whose token nobody issued.
    var unverified = UnverifiedSenders()
    /// When it was last said that entries are dropped.
    var lastSaid: ContinuousClock.Instant?
  }

  /// Which reads it is given.
  let reads = ReadSampler()
  private let state = Mutex(State())
  private let maximumEntries: Int
  private let maximumBytes: Int
  private let logger: Logger
  private let full = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "full")])
  private let unauthenticated = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "unauthenticated")])
  private let unsent = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "unsent")])

  /// - Parameters:
  ///   - maximumEntries: how many requests may wait; what comes then is dropped and counted.
  ///   - maximumBytes: the same for the bytes of their bodies.
  package init(maximumEntries: Int = 10_000, maximumBytes: Int = 32 << 20, logger: Logger = Logger(label: "provisioning-log")) {
    self.maximumEntries = maximumEntries
    self.maximumBytes = maximumBytes
    self.logger = logger
  }

  /// Takes a request, or drops it where there is no room.
  func append(_ request: LoggedRequest) {
    let (reader, dropped) = state.withLock { state -> (CheckedContinuation<Void, Never>?, Counter?) in
      if request.fields.token == nil {
        guard !state.isClosed, let isDue = state.unverified.record(request.workspace, from: request.clientAddress, at: request.at) else {
          return (nil, unauthenticated)
        }
        return (isDue ? state.reader.take() : nil, nil)
      }
      guard !state.isClosed, state.waiting.count < maximumEntries, state.bytes + request.size <= maximumBytes else { return (nil, full) }
      state.waiting.append(request)
      state.bytes += request.size
      return (state.reader.take(), nil)
    }
    reader?.resume()
    if let dropped {
      dropped.increment()
      complain("requests are left out of the provisioning log: more come than can be sent")
    }
  }

  /// Counts requests that could not be sent.
  package func drop(_ count: Int, because reason: String) {
    unsent.increment(by: count)
    complain("requests are left out of the provisioning log: \(reason)")
  }

  /// Returns when something waits, or the buffer is closed.
  func waitForMore(at now: Date = Date()) async {
    await withCheckedContinuation { continuation in
      let isReady = state.withLock { state in
        if state.isClosed || !state.waiting.isEmpty || state.unverified.isDue(at: now) { return true }
        state.reader = continuation
        return false
      }
      if isReady { continuation.resume() }
    }
  }

  /// Takes the first that wait out.
  func take(_ maximum: Int) -> [LoggedRequest] {
    state.withLock { state in
      let taken = Array(state.waiting.prefix(maximum))
      state.waiting.removeFirst(taken.count)
      for request in taken { state.bytes -= request.size }
      return taken
    }
  }

  /// Takes out the entries about unverified senders that are to be sent now.
  func takeUnverified(at now: Date = Date(), all: Bool = false) -> [LogEntry] {
    state.withLock { $0.unverified.take(at: now, all: all || $0.isClosed) }
  }

  /// Wakes the reader where such an entry is due.
  func wakeForUnverified(at now: Date = Date()) {
    let reader = state.withLock { state in state.unverified.isDue(at: now) ? state.reader.take() : nil }
    reader?.resume()
  }

  /// Takes nothing more; what waits can still be taken out.
  func close() {
    let reader = state.withLock { state in
      state.isClosed = true
      return state.reader.take()
    }
    reader?.resume()
  }

  /// Whether no request waits.
  package var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Once every ten seconds is enough: the metric has the number.
  private func complain(_ what: Logger.Message) {
    let isDue = state.withLock { state in
      if let last = state.lastSaid, ContinuousClock.now - last < .seconds(10) { return false }
      state.lastSaid = .now
      return true
    }
    if isDue { logger.warning(what) }
  }
}
