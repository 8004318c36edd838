import Foundation
import Models
import SCIM

/// A webhook endpoint, in the form of the management API.
struct WebhookRow: Sendable, Equatable, Codable {
  var id: WebhookID
  var url: String
  var description: String
  /// The types of events; nil for all.
  var types: [String]?
  var state: String
  var disabledReason: String?
  var disabledAt: Date?
  /// Until when the former secret also signs.
  var formerSecretUntil: Date?
  var createdAt: Date
  var modifiedAt: Date
  /// Only in the response that creates it.
  var secret: String?
  /// Workspaces whose next event could not be delivered yet. Only of a single endpoint.
  var failing: [WebhookProgressRow]?
}

extension WebhookRow {
  /// One row per endpoint.
  static func table(of webhooks: [WebhookRow]) -> Table {
    var table = Table("ID", "STATE", "TYPES", "URL", "DESCRIPTION")
    for webhook in webhooks {
      table.append([
        "\(webhook.id)", webhook.state, webhook.types.map { $0.joined(separator: ",") } ?? "all", webhook.url, webhook.description,
      ])
    }
    return table
  }

  /// One property per line.
  var details: Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["url", url])
    table.append(["description", description])
    table.append(["types", types.map { $0.joined(separator: ",") } ?? "all"])
    table.append(["state", state])
    if let disabledAt { table.append(["disabled", "\(Timestamp.text(disabledAt)): \(disabledReason ?? "-")"]) }
    if let formerSecretUntil { table.append(["former secret until", Timestamp.text(formerSecretUntil)]) }
    table.append(["created", Timestamp.text(createdAt)])
    table.append(["modified", Timestamp.text(modifiedAt)])
    for progress in failing ?? [] { table.append(["failing", progress.failure]) }
    return table
  }
}

/// How far the events of a workspace are delivered to an endpoint, in the form of the management API.
struct WebhookProgressRow: Sendable, Equatable, Codable {
  var workspace: WorkspaceID
  /// The last event that is delivered or skipped.
  var lastSequence: Int64
  /// The failed attempts at the next event.
  var failedAttempts: Int
  var firstFailedAt: Date?
  var nextAttemptAt: Date?
  var lastError: String?

  /// The event at which delivery is stuck, and why.
  var failure: String {
    let next = nextAttemptAt.map { ", next attempt \(Timestamp.text($0))" } ?? ""
    let attempts = failedAttempts == 0 ? "" : " after \(failedAttempts) attempt\(failedAttempts == 1 ? "" : "s")"
    return "workspace \(workspace), event \(lastSequence + 1)\(attempts): \(lastError ?? "no reason is known")\(next)"
  }
}

/// A request to a webhook endpoint, in the form of the management API.
struct WebhookDeliveryRow: Sendable, Equatable, Codable {
  /// The response of the endpoint.
  struct Response: Sendable, Equatable, Codable {
    var status: Int?
    /// The headers.
    var head: String?
    /// The beginning of the body.
    var body: String?
  }

  var id: UUID
  var at: Date
  var workspace: WorkspaceID
  /// nil for a test.
  var sequence: Int64?
  var event: String
  var type: String
  var webhookId: String
  /// From 1 on.
  var attempt: Int
  /// Whether it was sent ahead of earlier events.
  var isAhead: Bool
  var isDelivered: Bool
  var url: String
  var durationMilliseconds: Int
  /// Why it failed.
  var error: String?
  var response: Response?

  /// One row per request.
  static func table(of deliveries: [WebhookDeliveryRow]) -> Table {
    var table = Table("TIME", "OUTCOME", "STATUS", "MS", "TYPE", "SEQUENCE", "ATTEMPT", "EVENT", "ERROR")
    for delivery in deliveries {
      table.append([
        Timestamp.text(delivery.at), delivery.isDelivered ? "delivered" : "failed", delivery.response?.status.map { "\($0)" },
        "\(delivery.durationMilliseconds)", delivery.type, delivery.sequence.map { "\($0)" }, "\(delivery.attempt)", delivery.event,
        delivery.error,
      ])
    }
    return table
  }
}
