import DequeModule
import Models
import Synchronization

/// Shares the connections that one reader at a time has to itself among the workspaces: whoever searches without an index, or reads a large
/// group slowly, keeps the others of its own workspace waiting and nobody else.
final class SearchTurns: Sendable {
  /// A place, for as long as it is held.
  final class Turn: Sendable {
    private let turns: SearchTurns
    private let workspace: WorkspaceID

    fileprivate init(_ turns: SearchTurns, _ workspace: WorkspaceID) {
      self.turns = turns
      self.workspace = workspace
    }

    deinit { turns.giveBack(workspace) }
  }

  private typealias Waiter = CheckedContinuation<Turn, any Error>

  private struct Queue {
    var held = 0
    var waiting: Deque<(number: Int, waiter: Waiter)> = []
  }

  private struct State {
    var queues: [WorkspaceID: Queue] = [:]
    var lastNumber = 0
  }

  private let state = Mutex(State())
  private let maximumPerWorkspace: Int
  private let maximumWaiting: Int
  private let patience: Duration

  /// - Parameters:
  ///   - maximumPerWorkspace: how many turns a workspace has at once.
  ///   - maximumWaiting: how many more of a workspace wait.
  ///   - patience: for how long.
  init(maximumPerWorkspace: Int, maximumWaiting: Int = 100, patience: Duration = .seconds(10)) {
    self.maximumPerWorkspace = max(1, maximumPerWorkspace)
    self.maximumWaiting = maximumWaiting
    self.patience = patience
  }

  /// How many of a workspace wait.
  func waitingCount(of workspace: WorkspaceID) -> Int { state.withLock { $0.queues[workspace]?.waiting.count ?? 0 } }

  /// Waits until the workspace may have another.
  ///
  /// - Throws: 429 where too many wait, or none comes free in time; `CancellationError`.
  func turn(of workspace: WorkspaceID) async throws -> Turn {
    let isFree = try state.withLock { state throws(Refusal) in
      var queue = state.queues[workspace] ?? Queue()
      defer { state.queues[workspace] = queue }
      if queue.held < maximumPerWorkspace {
        queue.held += 1
        return true
      }
      guard queue.waiting.count < maximumWaiting else { throw .tooManySearches(maximumPerWorkspace) }
      return false
    }
    if isFree { return Turn(self, workspace) }
    return try await withThrowingTaskGroup(of: Turn?.self) { group in
      group.addTask { try await self.wait(of: workspace) }
      group.addTask { [patience] in
        try await Task.sleep(for: patience)
        return nil
      }
      defer { group.cancelAll() }
      guard let turn = try await group.next() ?? nil else { throw Refusal.tooManySearches(maximumPerWorkspace) }
      return turn
    }
  }

  private func wait(of workspace: WorkspaceID) async throws -> Turn {
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
          if queue.held < maximumPerWorkspace {
            queue.held += 1
            return true
          }
          queue.waiting.append((number, waiter))
          return false
        }
        if isFree { waiter.resume(returning: Turn(self, workspace)) } else if Task.isCancelled { cancel(number, of: workspace) }
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

  private func giveBack(_ workspace: WorkspaceID) {
    let waiter = state.withLock { state -> Waiter? in
      guard var queue = state.queues[workspace] else { return nil }
      let next = queue.waiting.popFirst()?.waiter
      if next == nil { queue.held -= 1 }
      state.queues[workspace] = queue.held == 0 ? nil : queue
      return next
    }
    waiter?.resume(returning: Turn(self, workspace))
  }
}

extension Refusal {
  fileprivate static func tooManySearches(_ limit: Int, retryAfter seconds: Int = retrySeconds) -> Refusal {
    Refusal(
      429,
      """
      More than \(limit) lists, queries or readings of large groups of this workspace are under way, and others wait. Send the request again \
      in \(seconds) s.
      """,
      headers: [.retryAfter: "\(seconds)"])
  }
}
