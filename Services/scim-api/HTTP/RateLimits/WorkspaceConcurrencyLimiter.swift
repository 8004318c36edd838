import DequeModule
import Models
import Synchronization

/// Limits concurrent expensive requests per workspace. Further ones wait in a queue of their workspace, and do not delay other workspaces.
///
/// A workspace that is active alone may run more of them than one that shares the service with others.
package final class WorkspaceConcurrencyLimiter: Sendable {
  /// The permission to run one request. It is released when the object is deallocated.
  package final class Permit: Sendable {
    private let limiter: WorkspaceConcurrencyLimiter
    private let workspace: WorkspaceID

    fileprivate init(_ limiter: WorkspaceConcurrencyLimiter, _ workspace: WorkspaceID) {
      self.limiter = limiter
      self.workspace = workspace
    }

    deinit { limiter.release(workspace) }
  }

  private typealias Waiter = CheckedContinuation<Permit, any Error>

  private struct Queue {
    var held = 0
    var waiting: Deque<(number: Int, waiter: Waiter)> = []
  }

  private struct State {
    var queues: [WorkspaceID: Queue] = [:]
    var lastNumber = 0
    /// The rates of the workspaces while others are active.
    var buckets: Buckets<WorkspaceID>
  }

  private let state: Mutex<State>
  private let what: String
  private let maximumPerWorkspace: Int
  private let maximumWhenShared: Int
  private let activeWorkspaces: ActiveWorkspaces?
  private let maximumWaiting: Int
  private let timeout: Duration
  private let now: @Sendable () -> Double

  /// - Parameters:
  ///   - what: the requests that are limited, as a plural noun for error messages.
  ///   - maximumPerWorkspace: the maximum number of concurrent requests per workspace.
  ///   - maximumWhenShared: the maximum while other workspaces are active; nil for `maximumPerWorkspace`.
  ///   - activeWorkspaces: the active workspaces; nil if every workspace counts as active alone.
  ///   - rate: the requests that a workspace starts per second while other workspaces are active; further ones wait.
  ///   - maximumWaiting: the maximum number of waiting requests per workspace.
  ///   - timeout: the maximum wait.
  ///   - now: a monotonic clock, in seconds.
  package init(
    _ what: String = "lists, queries or readings of large groups", maximumPerWorkspace: Int, besideOthers maximumWhenShared: Int? = nil,
    activeWorkspaces: ActiveWorkspaces? = nil, rate: Rate = .unlimited, maximumWaiting: Int = 100, timeout: Duration = .seconds(10),
    now: @escaping @Sendable () -> Double = RateLimits.uptime
  ) {
    state = Mutex(State(buckets: Buckets(rate, maximum: 20_000)))
    self.now = now
    self.what = what
    self.maximumPerWorkspace = max(1, maximumPerWorkspace)
    self.maximumWhenShared = max(1, min(maximumWhenShared ?? maximumPerWorkspace, maximumPerWorkspace))
    self.activeWorkspaces = activeWorkspaces
    self.maximumWaiting = maximumWaiting
    self.timeout = timeout
  }

  /// The maximum number of concurrent requests of a workspace at the moment.
  private func maximum(for workspace: WorkspaceID) -> Int {
    maximumWhenShared < maximumPerWorkspace && isSharing(workspace) ? maximumWhenShared : maximumPerWorkspace
  }

  private func isSharing(_ workspace: WorkspaceID) -> Bool { activeWorkspaces?.hasOthers(than: workspace) ?? false }

  /// The number of waiting requests of a workspace.
  package func waitingCount(of workspace: WorkspaceID) -> Int { state.withLock { $0.queues[workspace]?.waiting.count ?? 0 } }

  /// Waits for a permit, and then until the workspace's rate allows the request.
  ///
  /// - Throws: 429 if too many requests wait or the wait takes too long; `CancellationError`.
  package func permit(for workspace: WorkspaceID) async throws -> Permit {
    let permit = try await acquire(for: workspace)
    guard isSharing(workspace) else { return permit }
    let longest = timeout / .seconds(1)
    let seconds = state.withLock { [now] in $0.buckets.reserve(of: workspace, at: now(), within: longest) }
    guard seconds < longest else { throw APIError.tooMany(what, maximumWhenShared) }
    if seconds > 0 { try await Task.sleep(for: .seconds(seconds)) }
    return permit
  }

  private func acquire(for workspace: WorkspaceID) async throws -> Permit {
    let isGranted = try state.withLock { state throws(APIError) in
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
    if isGranted { return Permit(self, workspace) }
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
        let isGranted = state.withLock { state in
          var queue = state.queues[workspace] ?? Queue()
          defer { state.queues[workspace] = queue }
          // A permit may have been released in the meantime.
          if queue.held < maximum(for: workspace) {
            queue.held += 1
            return true
          }
          queue.waiting.append((number, waiter))
          return false
        }
        if isGranted { waiter.resume(returning: Permit(self, workspace)) } else if Task.isCancelled { cancel(number, of: workspace) }
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

  /// Releases a permit, and grants permits to the oldest waiting requests while the workspace is below its current maximum.
  private func release(_ workspace: WorkspaceID) {
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
      More than \(limit) \(what) of this workspace are running, and others are waiting; nothing was changed. Send the request again in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"]
    ).because(of: .queue)
  }
}
