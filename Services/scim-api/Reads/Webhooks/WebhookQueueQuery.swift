import EdgeHTTP
import Foundation
import Models
import Postgres

/// The queue of a workspace's own webhook endpoint: what is delivered, and what waits.
package struct WebhookQueue: Sendable, Equatable {
  /// How far the events are delivered; nil before group-sync has stored anything about the endpoint.
  package var progress: WebhookProgress?
  /// The sequence number of the workspace's last event; 0 without any.
  package var lastEvent: Int64
  /// The event at which delivery is stuck; nil if the next event has not failed.
  package var stuckEvent: Int64?

  /// A queue.
  package init(progress: WebhookProgress?, lastEvent: Int64, stuckEvent: Int64? = nil) {
    self.progress = progress
    self.lastEvent = lastEvent
    self.stuckEvent = stuckEvent
  }

  /// The number of events after those that are delivered. Some of them may be of types that the endpoint does not receive.
  package var waiting: Int64? { progress.map { max(0, lastEvent - $0.lastSequence) } }
}

/// Reads the queues of webhook endpoints.
package struct WebhookQueueQuery: Sendable {
  private let webhooks: WebhooksQuery
  private let deliveries: WebhookDeliveriesQuery

  /// The number of failed deliveries among which the stuck event is looked for. Those that were sent ahead of the queue come between.
  private static let maximumFailures = 20

  /// Reads from the views of `database`.
  package init(database: Database) {
    webhooks = WebhooksQuery(database: database)
    deliveries = WebhookDeliveriesQuery(database: database)
  }

  /// The queue of an endpoint of `workspace`.
  package func queue(of id: WebhookID, in workspace: WorkspaceID) async throws -> WebhookQueue {
    let lastEvent = Int64(
      try await webhooks.database.query(Self.lastEvent, [.uuid(workspace.uuid)], in: workspace).first?.int(0) ?? 0)
    // The endpoint of a workspace receives the events of that workspace only.
    let progress = try await webhooks.progress(of: id, failingOnly: false, after: nil, limit: 1, of: workspace).first
    var queue = WebhookQueue(progress: progress, lastEvent: lastEvent)
    guard let progress, progress.isFailing else { return queue }
    let failed = try await deliveries.deliveries(
      to: id, WebhookDeliveriesQuery.Filter(failedOnly: true), after: nil, limit: Self.maximumFailures, of: workspace)
    queue.stuckEvent = failed.deliveries.first { !$0.isAhead && ($0.sequence ?? 0) > progress.lastSequence }?.sequence
    return queue
  }

  private static let lastEvent = Statement(
    "last event of a workspace",
    """
    select last_sequence
    from directory_read.event_sequences
    where workspace_id = $1
    """)
}
