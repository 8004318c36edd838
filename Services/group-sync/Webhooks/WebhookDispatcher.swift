import Foundation
import Logging
import Models
import Outbox
import Postgres
import ServiceLifecycle
import Synchronization

/// Delivers directory events to webhook endpoints: each at least once, in order per endpoint and workspace.
///
/// A process delivers the events of the workspaces whose partition of `identity.events` is assigned to it. It takes what it has just committed
/// from memory, and everything else from the event log: at start, when partitions are assigned to it, and for endpoints that are behind. What was
/// delivered is recorded after the response, so after a crash the last deliveries are repeated with the same `webhook-id`.
final class WebhookDispatcher: Service {
  let store: WebhookStore
  let sender: WebhookSender
  let client: WebhookClient
  /// Asks identity-store to disable an endpoint, for a reason.
  let disable: @Sendable (WebhookEndpoint, String) async throws -> Void
  let logger: Logger
  let retryPolicy: RetryPolicy
  let plan: Mutex<DeliveryPlan>
  private let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  let metrics = WebhookMetrics()

  /// How long requests that have begun may take at shutdown. They are repeated at the next start.
  static let shutdownLimit = Duration.seconds(3)
  /// How long results are gathered before they are recorded.
  static let gathering = Duration.milliseconds(10)
  private static let shortestAlarm: TimeInterval = 0.005

  init(
    pool: PostgresPool, sender: WebhookSender, client: WebhookClient, limits: DeliveryLimits = DeliveryLimits(),
    schedule: WebhookRetrySchedule = WebhookRetrySchedule(), logger: Logger,
    disable: @escaping @Sendable (WebhookEndpoint, String) async throws -> Void
  ) {
    store = WebhookStore(pool: pool)
    self.sender = sender
    self.client = client
    self.disable = disable
    self.logger = logger
    retryPolicy = RetryPolicy(logger: logger)
    plan = Mutex(DeliveryPlan(limits: limits, schedule: schedule))
  }

  /// Delivers until shutdown.
  ///
  /// - Throws: An error of the database that no retry can repair.
  func run() async throws {
    var failure: (any Error)?
    do {
      try await withTaskCancellationOrGracefulShutdownHandler {
        try await self.dispatch()
      } onCancelOrGracefulShutdown: {
        self.signal.finish()
      }
    } catch is CancellationError {
      // Shutdown while the database is unavailable.
    } catch {
      failure = error
    }
    await client.shutDown()
    if let failure { throw failure }
  }

  private func wake() { signal.yield() }
}

// MARK: - What happens

extension WebhookDispatcher {
  /// Delivers events that were just committed. Call it in the order of the commits of each workspace.
  ///
  /// - Parameter events: The events, and their JSON.
  func commit(_ events: some Sequence<(Decider.PublishedEvent, [UInt8])>) {
    guard !plan.withLock({ $0.ignoresCommits }) else { return }
    let events = events.compactMap { LoggedEvent($0.event, data: $1, traceparent: $0.traceparent) }
    plan.withLock { $0.commit(events, at: .now) }
    wake()
  }

  /// Measures what is waiting.
  func measure() {
    let (pending, oldest) = plan.withLock { ($0.pending, $0.oldest) }
    metrics.measure(pending: pending, oldest: oldest, at: .now)
  }

  /// Looks for events in the log, because a transaction may have committed some although it failed.
  func noteUnknownCommit() {
    plan.withLock { $0.noteUnknownCommit() }
    wake()
  }

  /// Reads the endpoints again, because one was changed, or an order was accepted.
  func noteChanges() {
    plan.withLock { $0.noteChanges() }
    wake()
  }

  /// Sets the partitions of this process.
  func assign(_ ownership: WorkspaceOwnership) {
    plan.withLock { $0.assign(ownership, at: .now) }
    wake()
  }
}

// MARK: - The loop

extension WebhookDispatcher {
  private enum Completion: Sendable {
    case sent(DeliveryRequest, DeliveryResult?)
    case tested(TestOrder, DeliveryResult?)
    case refreshed(RefreshedEndpoints)
    case loaded([LaneKey], [StoredLane])
    case read(LaneKey, after: Int64, latest: Int64, [LoggedEvent])
    case readUrgent(LaneKey, [LoggedEvent])
    case recorded(DeliveryRecording, Set<LaneKey>)
    case disabled
    /// Results were gathered for long enough.
    case gathered
    case signalled
    case alarm(Date)
    /// The process shuts down.
    case ended
    /// Requests have taken too long since then.
    case shutdownLimit
  }

  private typealias Work = ThrowingTaskGroup<Completion, any Error>

  private struct LoopState {
    var isRecording = false
    var isGathering = false
    var isGathered = false
    var isEnding = false
    var alarm: Date?
    var measuredAt = Date.distantPast
  }

  private func dispatch() async throws {
    do {
      try await withThrowingTaskGroup(of: Completion.self) { work in
        var state = LoopState()
        awaitSignal(&work)
        while true {
          if !state.isEnding {
            for item in plan.withLock({ $0.start(at: .now) }) { begin(item, &work) }
            setAlarm(&state, &work)
          }
          record(&state, &work)
          if state.isEnding, !state.isRecording, plan.withLock({ $0.isIdle && !$0.hasResults }) { break }
          guard let completion = try await work.next() else { break }
          try apply(completion, &state, &work)
        }
        work.cancelAll()
      }
    } catch is CancellationError {
      // Requests that have not ended by now are repeated at the next start; those that have are not.
      let recording = plan.withLock { $0.takeResults() }
      if !recording.isEmpty { _ = try await store.record(recording) }
    }
  }

  private func apply(_ completion: Completion, _ state: inout LoopState, _ work: inout Work) throws {
    let now = Date.now
    switch completion {
    case .sent(let request, let result?): ended(request, result, at: now)
    case .sent(let request, nil): plan.withLock { $0.abandon(request, at: now) }
    case .tested(let test, let result): plan.withLock { $0.end(test, result) }
    case .refreshed(let refreshed): plan.withLock { $0.end(refreshed, at: now) }
    case .loaded(let keys, let lanes): plan.withLock { $0.end(keys, lanes, at: now) }
    case .read(let key, let after, let latest, let events):
      let missing = plan.withLock { $0.end(read: key, after: after, latest: latest, events, at: now) }
      if missing > 0 { reportMissing(missing, of: key) }
    case .readUrgent(let key, let events): plan.withLock { $0.end(readUrgent: key, events, at: now) }
    case .recorded(let recording, let confirmed):
      state.isRecording = false
      plan.withLock { $0.end(recording, confirmed: confirmed, at: now) }
      if now.timeIntervalSince(state.measuredAt) >= 1 {
        state.measuredAt = now
        measure()
      }
    case .gathered:
      state.isGathering = false
      state.isGathered = true
    case .alarm(let time): if state.alarm == time { state.alarm = nil }
    case .signalled: awaitSignal(&work)
    case .disabled: break
    case .ended:
      state.isEnding = true
      work.addTask {
        try await Task.sleep(for: Self.shutdownLimit)
        return .shutdownLimit
      }
    case .shutdownLimit: throw CancellationError()
    }
  }

  private func awaitSignal(_ work: inout Work) {
    work.addTask { [signals] in
      for await _ in signals { return .signalled }
      return .ended
    }
  }

  /// Starts a timer for the next time at which there is something to do.
  private func setAlarm(_ state: inout LoopState, _ work: inout Work) {
    let now = Date.now
    guard let time = plan.withLock({ $0.nextAlarm }).map({ max($0, now + Self.shortestAlarm) }), state.alarm.map({ time < $0 }) ?? true
    else {
      return
    }
    state.alarm = time
    work.addTask {
      try await Task.sleep(for: .seconds(time.timeIntervalSince(now)))
      return .alarm(time)
    }
  }

  /// Records results after they were gathered for a moment, so that many are recorded together.
  private func record(_ state: inout LoopState, _ work: inout Work) {
    guard !state.isRecording, !state.isGathering, plan.withLock({ $0.hasResults }) else { return }
    if !state.isGathered, !state.isEnding {
      state.isGathering = true
      work.addTask {
        try await Task.sleep(for: Self.gathering)
        return .gathered
      }
      return
    }
    state.isGathered = false
    let recording = plan.withLock { $0.takeResults() }
    guard !recording.isEmpty else { return }
    state.isRecording = true
    work.addTask { [store, retryPolicy] in
      let confirmed = try await retryPolicy.run("recording webhook deliveries") { try await store.record(recording) }
      return .recorded(recording, confirmed)
    }
  }

  private func begin(_ item: DeliveryWork, _ work: inout Work) {
    work.addTask { try await self.perform(item) }
  }

  private func perform(_ item: DeliveryWork) async throws -> Completion {
    switch item {
    case .send(let request):
      return .sent(request, await sender.send(request))
    case .test(let test):
      return .tested(test, await sender.send(test))
    case .refresh(let revision, let others):
      return .refreshed(
        try await retryPolicy.run("reading webhook endpoints") { [store] in try await store.refresh(after: revision, others: others) })
    case .load(let keys):
      return .loaded(keys, try await retryPolicy.run("reading webhook cursors") { [store] in try await store.lanes(keys) })
    case .read(let key, let after, let types, let latest):
      let events = try await retryPolicy.run("reading events for webhooks") { [store] in
        try await store.events(of: key.workspace, after: after, types: types)
      }
      return .read(key, after: after, latest: latest, events)
    case .readUrgent(let key, let after):
      let events = try await retryPolicy.run("reading events for webhooks") { [store] in
        try await store.urgentEvents(of: key.workspace, after: after)
      }
      return .readUrgent(key, events)
    case .disable(let endpoint, let reason):
      logger.warning(
        "a webhook endpoint is disabled",
        metadata: ["webhook": "\(endpoint.id)", "workspace": "\(endpoint.workspace)", "reason": "\(reason)"])
      try await retryPolicy.run("disabling a webhook endpoint") { [disable] in try await disable(endpoint, reason) }
      return .disabled
    }
  }

  private func ended(_ request: DeliveryRequest, _ result: DeliveryResult, at now: Date) {
    plan.withLock { $0.end(request, result, at: now, jitter: .random(in: 0...1)) }
    metrics.record(request, result, at: now)
    guard let error = result.outcome.error else { return }
    logger.notice(
      "a webhook was not delivered; it is retried",
      metadata: [
        "webhook": "\(request.endpoint.id)", "workspace": "\(request.key.workspace)", "sequence": "\(request.event.sequence)",
        "attempt": "\(request.attempt)", "error": "\(error)",
      ])
  }

  private func reportMissing(_ count: Int64, of key: LaneKey) {
    metrics.expired.increment(by: count)
    logger.error(
      "events were deleted from the log before they were delivered; the product has to read a snapshot",
      metadata: ["webhook": "\(key.endpoint.id)", "workspace": "\(key.workspace)", "events": "\(count)"])
  }
}
