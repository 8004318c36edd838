import Models
import Synchronization

/// Limits the writes in flight: in total, per workspace and per token.
///
/// A store that falls behind is noticed at once instead of at the deadlines, and no workspace takes the capacity of the others.
package final class ConcurrencyLimit: Sendable {
  /// The maximum numbers of writes in flight.
  package struct Limits: Sendable {
    /// For all workspaces together.
    package var all: Int
    /// For one workspace.
    package var perWorkspace: Int
    /// For one token.
    package var perToken: Int

    /// Limits for all workspaces together, for one workspace, and for one token.
    package init(all: Int, perWorkspace: Int, perToken: Int) {
      self.all = all
      self.perWorkspace = perWorkspace
      self.perToken = perToken
    }

    /// The maximum for one workspace while at least three quarters of the total are in use: an equal share among the active workspaces
    /// and one more, so that there is capacity for a workspace that becomes active.
    func fairShare(of workspaces: Int) -> Int { max(1, all / (workspaces + 1)) }

    func isNearlyFull(_ count: Int) -> Bool { count >= all - all / 4 }
  }

  private struct Counts {
    var all = 0
    var byWorkspace: [WorkspaceID: Int] = [:]
    var byToken: [TokenID: Int] = [:]
  }

  private let counts = Mutex(Counts())
  private let limits: Limits
  private let what: String

  /// - Parameter what: what is counted, as a plural noun for error messages.
  package init(_ limits: Limits, what: String = "writes") {
    self.what = what
    self.limits = limits
  }

  /// The number of writes in flight.
  package var count: Int { counts.withLock { $0.all } }

  /// Runs `write` and counts it for `caller` while it runs.
  ///
  /// - Throws: 503 or 429 immediately if a limit is reached; the errors of `write`.
  package func withPlace<Result>(of caller: Caller, _ write: () async throws -> Result) async throws -> Result {
    try enter(caller.token, of: caller.workspace)
    defer { leave(caller.token, of: caller.workspace) }
    return try await write()
  }

  /// A counted place, which is released when the object is deallocated: for responses that are streamed.
  package final class Place: Sendable {
    private let limit: ConcurrencyLimit
    private let token: TokenID
    private let workspace: WorkspaceID

    fileprivate init(_ limit: ConcurrencyLimit, _ token: TokenID, _ workspace: WorkspaceID) {
      self.limit = limit
      self.token = token
      self.workspace = workspace
    }

    deinit { limit.leave(token, of: workspace) }
  }

  /// Counts for `caller` as long as the returned object exists.
  ///
  /// - Throws: 503 or 429 if a limit is reached.
  package func place(of caller: Caller) throws(APIError) -> Place {
    try enter(caller.token, of: caller.workspace)
    return Place(self, caller.token, caller.workspace)
  }

  /// Counts a write that starts. Every call must be followed by ``leave(_:of:)``.
  ///
  /// - Throws: 503 or 429 if a limit is reached; then nothing is counted.
  package func enter(_ token: TokenID, of workspace: WorkspaceID) throws(APIError) {
    try counts.withLock { counts throws(APIError) in
      guard counts.byToken[token, default: 0] < limits.perToken else {
        throw .tooManyRequests(what, of: "token", limit: limits.perToken)
      }
      let own = counts.byWorkspace[workspace, default: 0]
      guard own < limits.perWorkspace else { throw .tooManyRequests(what, of: "workspace", limit: limits.perWorkspace) }
      guard counts.all < limits.all else { throw .overloaded() }
      if own > 0, limits.isNearlyFull(counts.all) {
        let share = limits.fairShare(of: counts.byWorkspace.count)
        guard own < share else { throw .tooManyRequests(what, of: "workspace", limit: share) }
      }
      counts.all += 1
      counts.byWorkspace[workspace] = own + 1
      counts.byToken[token, default: 0] += 1
    }
  }

  /// Counts a write that has ended.
  package func leave(_ token: TokenID, of workspace: WorkspaceID) {
    counts.withLock { counts in
      counts.all -= 1
      counts.byWorkspace.decrease(workspace)
      counts.byToken.decrease(token)
    }
  }
}

extension Dictionary where Value == Int {
  /// Decrements the count of `key`, and removes the entry at zero.
  fileprivate mutating func decrease(_ key: Key) {
    let left = self[key, default: 1] - 1
    self[key] = left == 0 ? nil : left
  }
}
