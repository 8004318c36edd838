import Foundation
import Models
import Postgres

/// Stores what identity-store publishes about webhooks: changes of endpoints, and orders of administrators.
///
/// An event that is not newer than the stored endpoint, and an order that was accepted before, change nothing.
struct WebhookEventStore: Sendable {
  let pool: PostgresPool

  /// The events that are about webhooks.
  static func events(in events: some Sequence<IdentityEvent>) -> [IdentityEvent] {
    events.filter { event in
      switch event {
      case .webhookChanged, .webhookOrdered: true
      default: false
      }
    }
  }

  /// Stores the events in their order, in one transaction.
  ///
  /// - Throws: `PostgresError`.
  func store(_ events: [IdentityEvent]) async throws {
    let steps = events.compactMap(Self.step)
    guard !steps.isEmpty else { return }
    try await pool.transaction { _ = try await $0.pipeline(steps, commit: true) }
  }

  private static func step(_ event: IdentityEvent) -> (Statement, [PostgresValue])? {
    switch event {
    case .webhookChanged(let change): (WebhookStatements.change, columns(change))
    case .webhookOrdered(let ordered): step(ordered)
    default: nil
    }
  }

  private static func columns(_ change: WebhookChanged) -> [PostgresValue] {
    let endpoint = change.endpoint
    return [
      .uuid(endpoint.workspace.uuid), .uuid(endpoint.id.uuid), .text(endpoint.url),
      .optional(endpoint.types?.map(\.rawValue)) { .textArray($0.map(Optional.some)) },
      .bytes(endpoint.sealedSecret), .optional(endpoint.formerSealedSecret, PostgresValue.bytes),
      .optional(endpoint.formerSecretUntil, PostgresValue.timestamp),
      .text(change.change == .deleted ? "deleted" : endpoint.state.rawValue), .int(endpoint.version), .timestamp(change.changedAt),
    ]
  }

  private static func step(_ ordered: WebhookOrdered) -> (Statement, [PostgresValue])? {
    let key: [PostgresValue] = [
      .uuid(ordered.workspace.uuid), .uuid(ordered.id.uuid), .uuid(ordered.order.webhook.uuid), .timestamp(ordered.orderedAt),
    ]
    // An endpoint of a workspace receives no events of others.
    let workspace = ordered.workspace == .deployment ? ordered.order.workspace : ordered.workspace
    switch ordered.order {
    case .test:
      return (WebhookStatements.orderTest, key)
    case .skip(_, _, let sequence):
      guard let workspace else { return nil }
      return (
        WebhookStatements.orderSkip, key + [.uuid(workspace.uuid), .int(sequence), .uuid(DeliveryRecord.newID(at: ordered.orderedAt))]
      )
    case .redeliver(_, _, let since):
      return (WebhookStatements.orderRedelivery, key + [.optional(workspace?.uuid, PostgresValue.uuid), .timestamp(since)])
    }
  }
}
