import Models

/// The accepted requests that the other edges have not heard of yet. Nothing is recorded while there are none.
struct UnsharedUsage: Sendable {
  private(set) var counts = EdgeUsage.Counts()
  /// Called with the first request after a report; nil if no edge needs reports.
  private var onUsage: (@Sendable () -> Void)?

  /// The maximum number of counters. Requests beyond it are not reported.
  private static let maximumCounters = 100_000

  /// Records requests from now on, or discards those that are recorded.
  mutating func report(to onUsage: (@Sendable () -> Void)?) {
    self.onUsage = onUsage
    if onUsage == nil { counts = EdgeUsage.Counts() }
  }

  /// Records a request.
  ///
  /// - Parameters:
  ///   - token: the token; nil for a request that counts only for the workspace.
  ///   - workspace: the workspace; that of the deployment for a request that counts only for the token.
  /// - Returns: what the caller must call after it has released its lock: there was no unreported request before.
  mutating func record(_ token: TokenID?, of workspace: WorkspaceID, isDeploymentWide: Bool) -> (@Sendable () -> Void)? {
    guard let onUsage, counts.size < Self.maximumCounters else { return nil }
    let isFirst = counts.isEmpty
    if workspace != .deployment { counts.workspaces[workspace, default: 0] += 1 }
    if let token {
      if isDeploymentWide { counts.deploymentTokens[token, default: 0] += 1 } else { counts.tokens[token, default: 0] += 1 }
    }
    return isFirst ? onUsage : nil
  }

  /// Removes and returns at most `maximum` counters.
  mutating func take(atMost maximum: Int) -> EdgeUsage.Counts { counts.take(atMost: maximum) }
}

extension RateLimits {
  /// Shares the limits of tokens and workspaces among edges.
  ///
  /// - Parameters:
  ///   - edges: the number of edges, this one included; 1 if it limits by itself.
  ///   - onUsage: called when there are requests to report with ``takeUsage(atMost:)``.
  func share(among edges: Int, onUsage: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.tokens.share(among: edges)
      state.deploymentTokens.share(among: edges)
      state.workspaces.share(among: edges)
      state.unsharedUsage.report(to: edges > 1 ? onUsage : nil)
    }
  }

  /// Removes and returns the requests that were accepted since the last call, at most `maximum` counters of them.
  func takeUsage(atMost maximum: Int = EdgeUsage.maximumCounters) -> EdgeUsage.Counts {
    state.withLock { $0.unsharedUsage.take(atMost: maximum) }
  }

  /// Subtracts requests that another edge has accepted.
  func subtract(_ counts: EdgeUsage.Counts) {
    let now = now()
    state.withLock { state in
      for (token, requests) in counts.tokens { state.tokens.subtract(requests, of: token, at: now) }
      for (token, requests) in counts.deploymentTokens { state.deploymentTokens.subtract(requests, of: token, at: now) }
      for (workspace, requests) in counts.workspaces { state.workspaces.subtract(requests, of: workspace, at: now) }
    }
  }
}
