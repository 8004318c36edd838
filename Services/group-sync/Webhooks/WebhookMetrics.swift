import Foundation
import Metrics

/// What webhooks measure.
struct WebhookMetrics: Sendable {
  let delivered = Counter(label: "rollcall_webhook_deliveries_total", dimensions: [("outcome", "delivered")])
  let rejected = Counter(label: "rollcall_webhook_deliveries_total", dimensions: [("outcome", "rejected")])
  let unreachable = Counter(label: "rollcall_webhook_deliveries_total", dimensions: [("outcome", "unreachable")])
  let unsendable = Counter(label: "rollcall_webhook_deliveries_total", dimensions: [("outcome", "unsendable")])
  /// Events that the log no longer had when they were to be delivered.
  let expired = Counter(label: "rollcall_webhook_events_expired_total")
  private let duration = Timer(label: "rollcall_webhook_request_seconds")
  private let pushToProduct = Timer(label: "rollcall_push_to_product_seconds", dimensions: [("way", "webhook")])
  private let pending = Gauge(label: "rollcall_webhook_events_pending")
  private let oldest = Gauge(label: "rollcall_webhook_oldest_seconds")

  /// Records a request.
  func record(_ request: DeliveryRequest, _ result: DeliveryResult, at now: Date) {
    switch result.outcome {
    case .delivered:
      delivered.increment()
      // A repetition measures the endpoint.
      if request.attempt == 1 { pushToProduct.recordSeconds(max(0, now.timeIntervalSince(request.event.changedAt))) }
    case .rejected: rejected.increment()
    case .unreachable: unreachable.increment()
    case .unsendable: return unsendable.increment()
    }
    duration.record(duration: result.duration)
  }

  /// Records what is waiting.
  func measure(pending count: Int64, oldest time: Date?, at now: Date) {
    pending.record(count)
    oldest.record(time.map { max(0, now.timeIntervalSince($0)) } ?? 0)
  }
}
