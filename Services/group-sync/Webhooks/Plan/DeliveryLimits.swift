import Foundation

/// The bounds of a ``DeliveryPlan``.
struct DeliveryLimits: Sendable, Hashable {
  /// Concurrent requests.
  var requests = 256
  /// Concurrent requests to one endpoint.
  var requestsPerEndpoint = 64
  /// Concurrent requests to one endpoint that did not respond the last time.
  var requestsPerFailingEndpoint = 2
  /// Concurrent requests that are sent ahead of their turn, in addition to the others.
  var requestsAhead = 32
  /// Such requests to one endpoint.
  var requestsAheadPerEndpoint = 8
  /// Concurrent queries of the event log.
  var reads = 8
  /// Cursors per query.
  var cursors = 1000
  /// Results that are not recorded. Nothing is sent beyond it.
  var unrecorded = 5000
  /// Lanes in memory. Beyond it, those without anything to deliver are removed.
  var lanes = 20_000
  /// Events in memory, in bytes.
  var bytes = 64 << 20
  /// How old the knowledge of the endpoints may be when there is something to deliver and other processes may have changed it, in seconds.
  var staleness: TimeInterval = 5
  /// The interval at which the endpoints are read if other processes may change those of the deployment, in seconds.
  var refreshInterval: TimeInterval = 30
  /// How long the former owner of a partition may still commit events, in seconds. Longer than the time limit of a batch.
  var formerOwnerLimit: TimeInterval = 12

  /// How often identity-store is asked to disable an endpoint, in seconds.
  var disablementInterval: TimeInterval = 600

  /// Concurrent requests to endpoints that did not respond the last time.
  var failingRequests: Int { max(1, requests / 4) }
}
