import Models
import Synchronization

/// Which workspaces sent requests lately: who is alone may have the whole machine, who is not leaves room for the others.
package final class ActiveWorkspaces: Sendable {
  private struct State {
    var second = Int.min
    var current: Set<WorkspaceID> = []
    var previous: Set<WorkspaceID> = []

    /// Begins a new second, where it is one.
    mutating func advance(to second: Int) {
      guard second > self.second else { return }
      previous = second == self.second + 1 ? current : []
      current = []
      self.second = second
    }
  }

  private let state = Mutex(State())
  private let now: @Sendable () -> Double

  /// - Parameter now: A clock's seconds, which never goes back.
  package init(now: @escaping @Sendable () -> Double = RateLimits.uptime) {
    self.now = now
  }

  /// Says that a workspace has sent a request.
  package func record(_ workspace: WorkspaceID) {
    let second = Int(now())
    state.withLock { state in
      state.advance(to: second)
      state.current.insert(workspace)
    }
  }

  /// Whether another workspace sent a request in this second or the one before.
  func hasOthers(than workspace: WorkspaceID) -> Bool {
    let second = Int(now())
    return state.withLock { state in
      state.advance(to: second)
      return [state.current, state.previous].contains { $0.count > ($0.contains(workspace) ? 1 : 0) }
    }
  }
}
