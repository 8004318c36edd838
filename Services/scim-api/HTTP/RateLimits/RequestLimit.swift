import Metrics

/// A limit that rejects requests, as a label of metrics.
package enum RequestLimit: String, Sendable, CaseIterable {
  /// Requests per second of a token.
  case tokenRate = "token-rate"
  /// Requests per second of a deployment-wide token.
  case deploymentTokenRate = "deployment-token-rate"
  /// Requests per second of a workspace.
  case workspaceRate = "workspace-rate"
  /// Unauthenticated requests per second of an address.
  case unauthenticatedRate = "unauthenticated-rate"
  /// Reads of public resources per second of an address.
  case publicReadRate = "public-read-rate"
  /// New sessions of the console.
  case sessionRate = "session-rate"
  /// Requests of a token or a workspace that are in flight.
  case inFlight = "in-flight"
  /// Requests of a workspace that wait for their turn.
  case queue
  /// Memory for the bodies of a workspace or an address.
  case bodyMemory = "body-memory"
  /// What the process can do at once, for all workspaces together.
  case capacity
}

/// Counts the requests that limits reject. Every limit has a series from the start, so that alerts see the first rejection.
struct RejectionMetrics: Sendable {
  private let counters: [RequestLimit: Counter]

  /// - Parameter factory: the backend of the metrics.
  init(factory: any MetricsFactory = MetricsSystem.factory) {
    counters = RequestLimit.allCases.reduce(into: [:]) { counters, limit in
      counters[limit] = Counter(label: "http_requests_rejected_total", dimensions: [("limit", limit.rawValue)], factory: factory)
    }
  }

  /// Counts a rejection.
  func record(_ limit: RequestLimit) {
    counters[limit]?.increment()
  }
}
