import EdgeReads
import Foundation
import Logging
import Models
import ProductAPI
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Waiting for events", .timeLimit(.minutes(5)))
struct EventWaitersTests {
  private static let (here, there) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))

  /// The ends of a log, which a test changes, and the reads of them.
  private final class Log: Sendable {
    struct Read: Equatable {
      var beyond: Int64
      var workspaces: Set<WorkspaceID>
    }

    private let state = Mutex((ends: EventEnds(position: 7, sequences: [here: 3, there: 4]), reads: [Read](), fails: false))

    var reads: [Read] { state.withLock { $0.reads } }

    func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }

    func append(to workspace: WorkspaceID) {
      state.withLock { state in
        state.ends.position += 1
        state.ends.sequences[workspace, default: 0] += 1
      }
    }

    /// As the database does it: without new events, there are no sequences.
    func ends(beyond: Int64, _ workspaces: [WorkspaceID]) throws -> EventEnds {
      try state.withLock { state in
        state.reads.append(Read(beyond: beyond, workspaces: Set(workspaces)))
        if state.fails { throw Outage() }
        return state.ends.position > beyond ? state.ends : EventEnds(position: state.ends.position)
      }
    }
  }

  private struct Outage: Error {}

  /// Runs the waiters' service while `body` runs.
  private static func running(
    metrics: PrometheusRegistry = PrometheusRegistry(),
    _ body: @Sendable (_ waiters: EventWaiters, _ log: Log, _ shutDown: @Sendable () async -> Void) async throws -> Void
  ) async throws {
    let log = Log()
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let waiters = EventWaiters(interval: .milliseconds(1), logger: quiet, metrics: metrics) { try log.ends(beyond: $0, $1) }
    let group = ServiceGroup(services: [waiters], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await body(waiters, log) { await group.triggerGracefulShutdown() }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("A request is woken by an event of its workspace, and not by one of another")
  func scope() async throws {
    try await Self.running { waiters, log, _ in
      async let own = waiters.wait(for: .workspace(Self.here), after: 3, atMost: .seconds(300))
      async let all = waiters.wait(for: .deployment, after: 7, atMost: .seconds(300))
      try await eventually("both to wait") { waiters.count == 2 }
      log.append(to: Self.there)
      #expect(try await all == .changed)
      try await eventually("the event to be compared") { log.reads.last?.beyond == 8 }
      #expect(waiters.count == 1)
      log.append(to: Self.here)
      #expect(try await own == .changed)
      #expect(waiters.count == 0)
    }
  }

  @Test("An event that was stored before the request began to wait wakes it, although the end of the log has been read")
  func earlier() async throws {
    try await Self.running { waiters, log, _ in
      async let other = waiters.wait(for: .workspace(Self.there), after: 4, atMost: .seconds(300))
      try await eventually("the end to be known") { log.reads.last?.beyond == 7 }
      #expect(try await waiters.wait(for: .workspace(Self.here), after: 2, atMost: .seconds(300)) == .changed)
      log.append(to: Self.there)
      #expect(try await other == .changed)
    }
  }

  @Test("Without requests that wait nothing is read; many requests share the reads")
  func idle() async throws {
    try await Self.running { waiters, log, _ in
      try await withThrowingTaskGroup(of: EventWaiters.Outcome.self) { group in
        for _ in 0..<100 { group.addTask { try await waiters.wait(for: .workspace(Self.here), after: 3, atMost: .seconds(300)) } }
        try await eventually("all to wait") { waiters.count == 100 }
        try await eventually("a read for all") { log.reads.last == Log.Read(beyond: 7, workspaces: [Self.here]) }
        log.append(to: Self.here)
        for try await outcome in group { #expect(outcome == .changed) }
      }
      // Many times the interval of the reads.
      let reads = log.reads.count
      for _ in 0..<100 { try await Task.sleep(for: .milliseconds(1)) }
      #expect(log.reads.count <= reads + 1, "one read may have been under way")
    }
  }

  @Test("A wait ends at its time limit, with the request's task, and at shutdown")
  func ends() async throws {
    try await Self.running { waiters, _, shutDown in
      #expect(try await waiters.wait(for: .deployment, after: 7, atMost: .milliseconds(20)) == .timedOut)
      let cancelled = Task { try await waiters.wait(for: .deployment, after: 7, atMost: .seconds(300)) }
      try await eventually("the request to wait") { waiters.count == 1 }
      cancelled.cancel()
      await #expect(throws: CancellationError.self) { try await cancelled.value }
      try await eventually("the request to be forgotten") { waiters.count == 0 }

      async let stopped = waiters.wait(for: .deployment, after: 7, atMost: .seconds(300))
      try await eventually("the request to wait") { waiters.count == 1 }
      await shutDown()
      #expect(try await stopped == .stopped)
      #expect(try await waiters.wait(for: .deployment, after: 7, atMost: .seconds(300)) == .stopped)
    }
  }

  @Test("The number of requests that wait is exported, however a wait ends")
  func metric() async throws {
    let metrics = PrometheusRegistry()
    func exports(_ count: Int) -> Bool { metrics.text().split(separator: "\n").contains("rollcall_event_requests_waiting \(count)") }
    try await Self.running(metrics: metrics) { waiters, log, shutDown in
      async let woken = waiters.wait(for: .workspace(Self.here), after: 3, atMost: .seconds(300))
      async let stopped = waiters.wait(for: .workspace(Self.there), after: 4, atMost: .seconds(300))
      let cancelled = Task { try await waiters.wait(for: .workspace(Self.there), after: 4, atMost: .seconds(300)) }
      try await eventually("three requests to be counted") { exports(3) }
      cancelled.cancel()
      try await eventually("two requests to be counted") { exports(2) }
      log.append(to: Self.here)
      #expect(try await woken == .changed)
      try await eventually("one request to be counted") { exports(1) }
      await shutDown()
      #expect(try await stopped == .stopped)
      try await eventually("no request to be counted") { exports(0) }
    }
  }

  @Test("While the database is away requests wait on")
  func outage() async throws {
    try await Self.running { waiters, log, _ in
      log.fail(true)
      async let waiting = waiters.wait(for: .workspace(Self.here), after: 3, atMost: .seconds(300))
      try await eventually("a failed read") { !log.reads.isEmpty }
      log.append(to: Self.here)
      log.fail(false)
      #expect(try await waiting == .changed)
    }
  }
}
