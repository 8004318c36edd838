import EdgeReads
import Logging
import Metrics
import Models
import ServiceLifecycle
import Synchronization

/// Wakes requests that wait for new events.
///
/// One loop reads the ends of the event log for all waiting requests of the process; while none waits, it reads nothing.
package final class EventWaiters: Service {
  /// Reads the end of the log and, if there are events after a position, the ends of some workspaces.
  package typealias ReadEnds = @Sendable (_ beyond: Int64, _ workspaces: [WorkspaceID]) async throws -> EventEnds

  /// How a wait ended.
  package enum Outcome: Sendable, Equatable {
    /// There are new events.
    case changed
    /// There were none in time.
    case timedOut
    /// The process shuts down.
    case stopped
  }

  private struct Waiter {
    let scope: EventScope
    /// The number of the last event that the request knows.
    let number: Int64
    let continuation: CheckedContinuation<Outcome, any Error>
  }

  private struct State {
    var waiters: [Int: Waiter] = [:]
    var lastID = 0
    /// The number of waiters that were ever added.
    var added = 0
    /// The position up to which all waiters were compared with the log; -1 after a new one was added.
    var comparedPosition: Int64 = -1
    var isStopped = false
  }

  private let state = Mutex(State())
  private let interval: Duration
  private let readEnds: ReadEnds
  private let logger: Logger
  /// The number of requests that wait.
  private let waiting: Meter
  /// An element for the first request that waits.
  private let arrivals: AsyncStream<Void>
  private let arrival: AsyncStream<Void>.Continuation

  /// - Parameters:
  ///   - interval: the time between two reads while requests wait.
  ///   - metrics: counts the requests that wait.
  ///   - readEnds: reads the ends of the log.
  package init(
    interval: Duration = .milliseconds(100), logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory,
    readEnds: @escaping ReadEnds
  ) {
    self.interval = interval
    waiting = Meter(label: "rollcall_event_requests_waiting", factory: metrics)
    self.readEnds = readEnds
    self.logger = logger
    (arrivals, arrival) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// The number of requests that wait.
  package var count: Int { state.withLock { $0.waiters.count } }

  /// Waits for an event of `scope` after `number`.
  ///
  /// - Parameter time: the maximum wait.
  /// - Throws: `CancellationError`.
  package func wait(for scope: EventScope, after number: Int64, atMost time: Duration) async throws -> Outcome {
    try await withThrowingTaskGroup(of: Outcome.self) { group in
      group.addTask { try await self.change(of: scope, after: number) }
      group.addTask {
        try await Task.sleep(for: time)
        return .timedOut
      }
      defer { group.cancelAll() }
      return try await group.next() ?? .timedOut
    }
  }

  private func change(of scope: EventScope, after number: Int64) async throws -> Outcome {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let (isStopped, isFirst) = state.withLock { state in
          guard !state.isStopped else { return (true, false) }
          state.waiters[id] = Waiter(scope: scope, number: number, continuation: continuation)
          state.added += 1
          state.comparedPosition = -1
          return (false, state.waiters.count == 1)
        }
        if isStopped { return continuation.resume(returning: .stopped) }
        waiting.increment()
        if isFirst { arrival.yield() }
        // The task may have been cancelled before the waiter was added.
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
  }

  private func cancel(_ id: Int) {
    guard let waiter = state.withLock({ $0.waiters.removeValue(forKey: id) }) else { return }
    waiting.decrement()
    waiter.continuation.resume(throwing: CancellationError())
  }

  /// Wakes requests until graceful shutdown, and then all that still wait.
  package func run() async throws {
    defer { stop() }
    await cancelWhenGracefulShutdown { await self.serve() }
  }

  private func serve() async {
    for await _ in arrivals {
      var hasFailed = false
      while count > 0 {
        do {
          try await compare()
          hasFailed = false
        } catch is CancellationError {
          return
        } catch {
          // Waits end at their time limits; requests that read then report the error.
          if !hasFailed { logger.warning("cannot read the end of the event log", metadata: ["error": "\(error)"]) }
          hasFailed = true
        }
        do { try await Task.sleep(for: hasFailed ? .seconds(1) : interval) } catch { return }
      }
    }
  }

  /// Reads the ends of the log, and wakes the requests that have not seen them.
  private func compare() async throws {
    let (beyond, workspaces, added) = state.withLock { state in
      let workspaces = Set(
        state.waiters.values.compactMap { waiter in if case .workspace(let workspace) = waiter.scope { workspace } else { nil } })
      return (state.comparedPosition, Array(workspaces), state.added)
    }
    let ends = try await readEnds(beyond, workspaces)
    let changed = state.withLock { state in
      // A request that began to wait meanwhile may not have been compared.
      if state.added == added { state.comparedPosition = ends.position }
      let changed = state.waiters.filter { ends.end(of: $0.value.scope) > $0.value.number }
      for id in changed.keys { state.waiters[id] = nil }
      return changed
    }
    waiting.decrement(by: Double(changed.count))
    for waiter in changed.values { waiter.continuation.resume(returning: .changed) }
  }

  private func stop() {
    let waiters = state.withLock { state in
      state.isStopped = true
      defer { state.waiters = [:] }
      return state.waiters
    }
    waiting.decrement(by: Double(waiters.count))
    for waiter in waiters.values { waiter.continuation.resume(returning: .stopped) }
  }
}

extension EventEnds {
  /// The number of the last event of `scope`; 0 if it is not known.
  fileprivate func end(of scope: EventScope) -> Int64 {
    switch scope {
    case .workspace(let workspace): sequences[workspace] ?? 0
    case .deployment: position
    }
  }
}
