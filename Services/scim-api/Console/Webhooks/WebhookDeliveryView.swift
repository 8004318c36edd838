import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Primitives
import SCIM

/// A delivery in the log of an endpoint.
struct WebhookDeliveryView: Sendable, Equatable {
  var deliveryPath: String
  var sentAt: String
  var eventType: String
  /// The sequence number; nil for a test.
  var eventNumber: String?
  var outcome: String
  var outcomeTone: String
  /// Why it failed.
  var reason: String?
  /// nil for an event that was skipped.
  var duration: String?
  /// The number of the attempt; nil for a skipped event.
  var attemptNumber: String?
  var isAhead: Bool

  init(_ delivery: WebhookDelivery, of webhook: WebhookID) {
    deliveryPath =
      "\(WebhooksController.path(of: webhook))/delivery"
      + ConsoleText.query([("at", "\(delivery.place.microseconds)"), ("delivery", UUIDText.text(delivery.id))])
    sentAt = Timestamp.text(delivery.at)
    eventType = delivery.type
    eventNumber = delivery.sequence.map { "\($0)" }
    (outcome, outcomeTone) = Self.outcome(of: delivery)
    reason = delivery.error.map(\.capitalisedFirst)
    duration = delivery.wasSkipped ? nil : "\(ConsoleText.number(delivery.milliseconds)) ms"
    attemptNumber = delivery.attempt > 0 ? ConsoleText.number(delivery.attempt) : nil
    isAhead = delivery.isAhead
  }

  private static func outcome(of delivery: WebhookDelivery) -> (String, String) {
    if delivery.wasSkipped { return ("Skipped", "warn") }
    let status = delivery.status.map { "\($0)" }
    if delivery.isDelivered { return (status ?? "Delivered", "good") }
    return (status ?? "No response", "bad")
  }
}

extension WebhookDelivery {
  /// Whether the entry records that an administrator has skipped the event. Then no request was sent.
  var wasSkipped: Bool { attempt == 0 }
}

/// A page of the delivery log of an endpoint.
struct WebhookLogView: Sendable {
  var deliveries: [WebhookDeliveryView]
  var hasDeliveries: Bool
  /// Why there are none on this page.
  var noDeliveries: String

  /// - Parameter hasMore: whether there are later pages.
  init(_ found: [WebhookDelivery], of webhook: WebhookID, failedOnly: Bool, hasMore: Bool) {
    deliveries = found.map { WebhookDeliveryView($0, of: webhook) }
    hasDeliveries = !deliveries.isEmpty
    if hasMore {
      noDeliveries = "No such deliveries on this page. Older ones may be on the next."
    } else {
      noDeliveries = failedOnly ? "No failed deliveries in the last 7 days." : "No deliveries in the last 7 days."
    }
  }
}

/// The view model of the page with the delivery log.
struct WebhookDeliveriesView: Sendable {
  var endpointName: String
  var endpointPath: String
  var allPath: String
  var failedPath: String
  var failedOnly: Bool
  var log: WebhookLogView
  var pager: Pager?
}

/// The view model of a delivery's page.
struct WebhookDeliveryPageView: Sendable {
  var endpointName: String
  var endpointPath: String
  var delivery: WebhookDeliveryView
  var heading: String
  var wasSent: Bool
  var requestHead: String
  var requestBody: String?
  /// Why the body is not shown.
  var bodyNote: String?
  /// The status and the headers of the response; nil if there was none.
  var responseHead: String?
  /// The beginning of the response's body.
  var responseBody: String?

  /// - Parameter event: the event as JSON; nil if the event log no longer has it, and for a test.
  init(_ delivery: WebhookDelivery, event: [UInt8]?, of webhook: StoredWebhook) {
    endpointName = WebhookView.name(of: webhook)
    endpointPath = WebhooksController.path(of: webhook.id)
    self.delivery = WebhookDeliveryView(delivery, of: webhook.id)
    heading = delivery.sequence.map { "Event \($0): \(delivery.type)" } ?? "Test event"
    wasSent = !delivery.wasSkipped
    requestHead = """
      POST \(delivery.url)
      content-type: application/json
      webhook-id: \(delivery.webhookID)
      webhook-timestamp: \(Int64(delivery.at.timeIntervalSince1970))
      webhook-signature: v1,…
      """
    let body = event.flatMap { Self.body(of: $0, type: delivery.type) }
    requestBody = body
    if delivery.sequence == nil {
      bodyNote = "A test event with the id of the endpoint."
    } else if body == nil {
      bodyNote = "The event log no longer has the event."
    }
    if let status = delivery.status {
      responseHead = "HTTP \(status)" + (delivery.responseHead.map { $0.isEmpty ? "" : "\n\($0)" } ?? "")
    } else {
      responseHead = delivery.responseHead
    }
    responseBody = delivery.responseBody.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The body of the request, which group-sync makes from the event.
  private static func body(of event: [UInt8], type: String) -> String? {
    let data: JSON
    // The event log has what group-sync wrote as JSON.
    do { data = try JSON(parsing: event) } catch { return nil }
    let object: JSONObject = ["type": .string(type), "timestamp": data.object?["changedAt"] ?? .null, "data": data]
    return JSON.object(object).pretty
  }
}
