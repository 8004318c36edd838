import DequeModule
import Models
import Synchronization

/// Shares out what takes much of the machine: whoever does much of it at once keeps the others of its own workspace waiting and nobody else.
///
/// A workspace that is alone may have more of it than one beside which others send requests, too: those would feel it.
package final class WorkspaceConcurrencyLimiter: Sendable {
  /// A place, for as long as it is held.
  package final class Permit: Sendable {
    private let limiter: WorkspaceConcurrencyLimiter
    private let workspace: WorkspaceID

    fileprivate init(_ limiter: WorkspaceConcurrencyLimiter, _ workspace: WorkspaceID) {
      self.limiter = limiter
      self.workspace = workspace
    }

    deinit { limiter.giveBack(workspace) }
  }

  private typealias Waiter = CheckedContinuation<Permit, any Error>

  private struct Queue {
    var held = 0
    var waiting: Deque<(number: Int, waiter: Waiter)> = []
  }

  private struct State {
    var queues: [WorkspaceID: Queue] = [:]
    var lastNumber = 0
    /// When each workspace may begin the next beside others.
    var buckets: Buckets<WorkspaceID>
  }

  private let state: Mutex<State>
  private let what: String
  private let maximumPerWorkspace: Int
  private let maximumBesideOthers: Int
  private let activeWorkspaces: ActiveWorkspaces?
  private let maximumWaiting: Int
  private let timeout: Duration
  private let now: @Sendable () -> Double

  /// - Parameters:
  ///   - what: is taken in turns, for refusals.
  ///   - maximumPerWorkspace: how many turns a workspace has at once.
  ///   - maximumBesideOthers: how many while `activeWorkspaces` has others; nil for as many.
  ///   - rate: how many a workspace starts per second while other workspaces are active; further ones wait.
  ///   - maximumWaiting: how many more of a workspace wait.
  ///   - timeout: for how long.
  ///   - now: a clock's seconds, which never goes back.
  package init(
    _ what: String = "lists, queries or readings of large groups", maximumPerWorkspace: Int, besideOthers maximumBesideOthers: Int? = nil,
    activeWorkspaces: ActiveWorkspaces? = nil, rate: Rate = .unlimited, maximumWaiting: Int = 100, timeout: Duration = .seconds(10),
    now: @escaping @Sendable () -> Double = RateLimits.uptime
  ) {
    state = Mutex(State(buckets: Buckets(rate, maximum: 20_000)))
    self.now = now
    self.what = what
    self.maximumPerWorkspace = max(1, maximumPerWorkspace)
    self.maximumBesideOthers = max(1, min(maximumBesideOthers ?? maximumPerWorkspace, maximumPerWorkspace))
    self.activeWorkspaces = activeWorkspaces
    self.maximumWaiting = maximumWaiting
    self.timeout = timeout
  }

  /// How many turns a workspace has at once, as things are.
  private func maximum(for workspace: WorkspaceID) -> Int {
    maximumBesideOthers < maximumPerWorkspace && isBesideOthers(workspace) ? maximumBesideOthers : maximumPerWorkspace
  }

  private func isBesideOthers(_ workspace: WorkspaceID) -> Bool { activeWorkspaces?.hasOthers(than: workspace) ?? false }

  /// How many of a workspace wait.
  package func waitingCount(of workspace: WorkspaceID) -> Int { state.withLock { $0.queues[workspace]?.waiting.count ?? 0 } }

  /// Waits until the workspace may have another, and until it is due.
  ///
  /// - Throws: 429 where too many wait, or none comes free in time; `CancellationError`.
  package func permit(for workspace: WorkspaceID) async throws -> Permit {
    let permit = try await freePermit(for: workspace)
    guard isBesideOthers(workspace) else { return permit }
    let longest = timeout / .seconds(1)
    let seconds = state.withLock { [now] in $0.buckets.reserve(of: workspace, at: now(), within: longest) }
    guard seconds < longest else { throw APIError.tooMany(what, maximumBesideOthers) }
    if seconds > 0 { try await Task.sleep(for: .seconds(seconds)) }
    return permit
  }

  private func freePermit(for workspace: WorkspaceID) async throws -> Permit {
    let isFree = try state.withLock { state throws(APIError) in
      var queue = state.queues[workspace] ?? Queue()
      defer { state.queues[workspace] = queue }
      let maximum = maximum(for: workspace)
      if queue.held < maximum {
        queue.held += 1
        return true
      }
      guard queue.waiting.count < maximumWaiting else { throw .tooMany(what, maximum) }
      return false
    }
    if isFree { return Permit(self, workspace) }
    return try await withThrowingTaskGroup(of: Permit?.self) { group in
      group.addTask { try await self.wait(of: workspace) }
      group.addTask { [timeout] in
        try await Task.sleep(for: timeout)
        return nil
      }
      defer { group.cancelAll() }
      guard let permit = try await group.next() ?? nil else { throw APIError.tooMany(what, maximum(for: workspace)) }
      return permit
    }
  }

  private func wait(of workspace: WorkspaceID) async throws -> Permit {
    let number = state.withLock { state in
      state.lastNumber += 1
      return state.lastNumber
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { waiter in
        let isFree = state.withLock { state in
          var queue = state.queues[workspace] ?? Queue()
          defer { state.queues[workspace] = queue }
          // One may have come free since.
          if queue.held < maximum(for: workspace) {
            queue.held += 1
            return true
          }
          queue.waiting.append((number, waiter))
          return false
        }
        if isFree { waiter.resume(returning: Permit(self, workspace)) } else if Task.isCancelled { cancel(number, of: workspace) }
      }
    } onCancel: {
      cancel(number, of: workspace)
    }
  }

  private func cancel(_ number: Int, of workspace: WorkspaceID) {
    let waiter = state.withLock { state -> Waiter? in
      guard let index = state.queues[workspace]?.waiting.firstIndex(where: { $0.number == number }) else { return nil }
      return state.queues[workspace]?.waiting.remove(at: index).waiter
    }
    waiter?.resume(throwing: CancellationError())
  }

  /// Gives the turn to whoever has waited longest; to none where there are too many, to several where there may be more than there were.
  private func giveBack(_ workspace: WorkspaceID) {
    let next = state.withLock { state -> [Waiter] in
      guard var queue = state.queues[workspace] else { return [] }
      queue.held -= 1
      let maximum = maximum(for: workspace)
      var next: [Waiter] = []
      while queue.held < maximum, let first = queue.waiting.popFirst() {
        queue.held += 1
        next.append(first.waiter)
      }
      state.queues[workspace] = queue.held == 0 ? nil : queue
      return next
    }
    for waiter in next { waiter.resume(returning: Permit(self, workspace)) }
  }
}

extension APIError {
  fileprivate static func tooMany(_ what: String, _ limit: Int, retryAfter seconds: Int = retrySeconds) -> APIError {
    APIError(
      429,
      """
      More than \(limit) \(what) of this workspace are under way, and others wait; nothing was changed. Send the request again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }
}
