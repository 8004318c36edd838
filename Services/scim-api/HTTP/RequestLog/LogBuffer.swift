import Foundation
import Logging
import Metrics
import ProvisioningLog
import Synchronization

/// A bounded buffer of requests for the provisioning log. When it is full, requests are dropped and counted, so no request waits for the
/// log.
package final class LogBuffer: Sendable {
  private struct State {
    var waiting: [LoggedRequest] = []
    var bytes = 0
    var isClosed = false
    var reader: CheckedContinuation<Void, Never>?
    /// Requests with tokens that were never issued.
    var unverified = UnverifiedSenders()
    /// When the last warning about dropped entries was logged.
    var lastWarning: ContinuousClock.Instant?
  }

  /// Selects the successful reads that are logged.
  let reads = ReadSampler()
  private let state = Mutex(State())
  private let maximumEntries: Int
  private let maximumBytes: Int
  private let logger: Logger
  private let full = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "full")])
  private let unauthenticated = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "unauthenticated")])
  private let unsent = Counter(label: "rollcall_log_entries_dropped_total", dimensions: [("reason", "unsent")])

  /// - Parameters:
  ///   - maximumEntries: the maximum number of waiting requests.
  ///   - maximumBytes: the maximum size of their bodies, in bytes.
  package init(maximumEntries: Int = 10_000, maximumBytes: Int = 32 << 20, logger: Logger = Logger(label: "provisioning-log")) {
    self.maximumEntries = maximumEntries
    self.maximumBytes = maximumBytes
    self.logger = logger
  }

  /// Adds a request, or drops it if the buffer is full or closed.
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
      warn("requests are missing from the provisioning log: the buffer is full")
    }
  }

  /// Counts requests that could not be sent.
  package func drop(_ count: Int, because reason: String) {
    unsent.increment(by: count)
    warn("requests are missing from the provisioning log: \(reason)")
  }

  /// Waits until there is something to send, or the buffer is closed.
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

  /// Removes and returns up to `maximum` requests, oldest first.
  func take(_ maximum: Int) -> [LoggedRequest] {
    state.withLock { state in
      let taken = Array(state.waiting.prefix(maximum))
      state.waiting.removeFirst(taken.count)
      for request in taken { state.bytes -= request.size }
      return taken
    }
  }

  /// Removes and returns the entries about unverified senders that are due.
  ///
  /// - Parameter all: also those that are not due yet.
  func takeUnverified(at now: Date = Date(), all: Bool = false) -> [LogEntry] {
    state.withLock { $0.unverified.take(at: now, all: all || $0.isClosed) }
  }

  /// Wakes the reader if an entry about unverified senders is due.
  func wakeForUnverified(at now: Date = Date()) {
    let reader = state.withLock { state in state.unverified.isDue(at: now) ? state.reader.take() : nil }
    reader?.resume()
  }

  /// Closes the buffer: it accepts no more requests, and those it has can still be taken.
  func close() {
    let reader = state.withLock { state in
      state.isClosed = true
      return state.reader.take()
    }
    reader?.resume()
  }

  /// Whether the buffer contains no request.
  package var isEmpty: Bool { state.withLock { $0.waiting.isEmpty } }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Logs a warning, at most every ten seconds: the metrics count the dropped entries.
  private func warn(_ message: Logger.Message) {
    let isDue = state.withLock { state in
      if let last = state.lastWarning, ContinuousClock.now - last < .seconds(10) { return false }
      state.lastWarning = .now
      return true
    }
    if isDue { logger.warning(message) }
  }
}
