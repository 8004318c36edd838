import Models
import Synchronization

/// The workspaces that sent a request in the current or the previous second.
///
/// A workspace that is active alone may use all capacity; otherwise each leaves room for the others.
package final class ActiveWorkspaces: Sendable {
  private struct State {
    var second = Int.min
    var current: Set<WorkspaceID> = []
    var previous: Set<WorkspaceID> = []

    /// Moves to `second` if it is later than the current one.
    mutating func advance(to second: Int) {
      guard second > self.second else { return }
      previous = second == self.second + 1 ? current : []
      current = []
      self.second = second
    }
  }

  private let state = Mutex(State())
  private let now: @Sendable () -> Double

  /// - Parameter now: a monotonic clock, in seconds.
  package init(now: @escaping @Sendable () -> Double = RateLimits.uptime) {
    self.now = now
  }

  /// Records a request of a workspace.
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
      return Self.hasOthers(state.current, than: workspace) || Self.hasOthers(state.previous, than: workspace)
    }
  }

  private static func hasOthers(_ active: Set<WorkspaceID>, than workspace: WorkspaceID) -> Bool {
    active.count > 1 || (active.count == 1 && !active.contains(workspace))
  }
}
