import Models
import Synchronization

/// Bounds the writes in flight, in all, of each workspace and of each token, so that a store that falls behind is noticed at once and not by
/// deadlines, and so that no workspace takes the places of the others.
package final class ConcurrencyLimit: Sendable {
  /// How many may be in flight.
  package struct Limits: Sendable {
    /// Of all workspaces.
    package var all: Int
    /// Of one workspace.
    package var perWorkspace: Int
    /// Of one token.
    package var perToken: Int

    /// Limits of all workspaces, of one, and of one token.
    package init(all: Int, perWorkspace: Int, perToken: Int) {
      self.all = all
      self.perWorkspace = perWorkspace
      self.perToken = perToken
    }

    /// The most places of a workspace when three quarters of all are taken: an even share of all, where one more workspace counts as
    /// present than is, so that whoever comes next finds a place.
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

  /// - Parameter what: what is counted, for refusals.
  package init(_ limits: Limits, what: String = "writes") {
    self.what = what
    self.limits = limits
  }

  /// How many writes are in flight.
  package var count: Int { counts.withLock { $0.all } }

  /// Runs `write` as one more of `caller`.
  ///
  /// - Throws: 503 or 429 at once where there are too many; whatever `write` throws.
  package func withPlace<Result>(of caller: Caller, _ write: () async throws -> Result) async throws -> Result {
    try enter(caller.token, of: caller.workspace)
    defer { leave(caller.token, of: caller.workspace) }
    return try await write()
  }

  /// Counts one more. Throws 503 or 429 if there are too many.
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

  /// Counts one less.
  package func leave(_ token: TokenID, of workspace: WorkspaceID) {
    counts.withLock { counts in
      counts.all -= 1
      counts.byWorkspace.decrease(workspace)
      counts.byToken.decrease(token)
    }
  }
}

extension Dictionary where Value == Int {
  /// Counts one less; what is none is forgotten.
  fileprivate mutating func decrease(_ key: Key) {
    let left = self[key, default: 1] - 1
    self[key] = left == 0 ? nil : left
  }
}
