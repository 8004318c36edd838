import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/settings/webhooks/{id}`: an endpoint with its queue, its delivery log, and the orders about deliveries.
struct WebhookDeliveriesController: ConsoleController {
  private let queues: WebhookQueueQuery
  private let deliveries: WebhookDeliveriesQuery
  private let commands: WebhookCommandSender
  private let cursors: CursorSeal
  private let isConfigured: Bool
  private let endpointTemplate: ConsoleTemplate
  private let logTemplate: ConsoleTemplate
  private let deliveryTemplate: ConsoleTemplate

  /// The number of deliveries on the page of an endpoint.
  static let latestSize = 10
  /// The number of deliveries on a page of the log.
  static let pageSize = 50

  /// - Parameter isConfigured: whether the deployment has a key for the secrets of webhooks.
  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, commands: CommandClient, cursors: CursorSeal, isConfigured: Bool) throws {
    queues = WebhookQueueQuery(database: database)
    deliveries = WebhookDeliveriesQuery(database: database)
    self.commands = WebhookCommandSender(query: WebhooksQuery(database: database), commands: commands)
    self.cursors = cursors
    self.isConfigured = isConfigured
    endpointTemplate = try ConsoleTemplate(PackageResources.webhook_mustache)
    logTemplate = try ConsoleTemplate(PackageResources.webhook_deliveries_mustache)
    deliveryTemplate = try ConsoleTemplate(PackageResources.webhook_delivery_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("settings/webhooks/{id}", use: show)
    group.page("settings/webhooks/{id}/deliveries", use: showLog)
    group.page("settings/webhooks/{id}/delivery", use: showDelivery)
    group.form("settings/webhooks/{id}/test", use: test)
    group.form("settings/webhooks/{id}/redeliver", use: redeliver)
    group.form("settings/webhooks/{id}/skip", use: skip)
  }

  /// The path of an endpoint's page after an order that group-sync carries out, which the page waits for.
  static func path(orderedFor webhook: WebhookID, at time: Date) -> String {
    WebhooksController.path(of: webhook) + ConsoleText.query([("ordered", Timestamp.text(time))])
  }

  // MARK: Pages

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let webhook = try await commands.webhook(context)
    return try await page(webhook, orderedAt: parameters["ordered"].flatMap(Timestamp.date), context)
  }

  private func page(
    _ webhook: StoredWebhook, orderedAt: Date? = nil, input: WebhookInput? = nil, _ context: ConsoleContext
  ) async throws -> ConsolePage {
    async let queue = queues.queue(of: webhook.id, in: context.workspace)
    let latest = try await deliveries.deliveries(
      to: webhook.id, WebhookDeliveriesQuery.Filter(), after: nil, limit: Self.latestSize, of: context.workspace)
    let log = WebhookLogView(latest.deliveries, of: webhook.id, failedOnly: false, hasMore: false)
    let view = WebhookDetailsView(
      webhook, try await queue, log: log, input: input, isConfigured: isConfigured, orderedAt: orderedAt, at: Date())
    return ConsolePage(
      title: WebhookView.name(of: webhook), section: .webhooks, status: input?.sinceError == nil ? .ok : .unprocessableContent,
      template: endpointTemplate, values: view)
  }

  private func showLog(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let webhook = try await commands.webhook(context)
    let (now, failedOnly) = (Date(), parameters["failed"] == "1")
    let listName = "console/webhooks/\(webhook.id)?\(failedOnly)"
    // The key of the cursor is a time in microseconds.
    let last = try parameters["cursor"].map { text throws(APIError) in
      let place = try cursors.cursor(text, for: listName, in: context.workspace, at: now).place
      guard let microseconds = place.key.flatMap({ Int64($0) }) else { throw APIError.invalidCursor() }
      return WebhookDeliveriesQuery.Position(microseconds: microseconds, id: place.id.uuid)
    }
    let found = try await deliveries.deliveries(
      to: webhook.id, WebhookDeliveriesQuery.Filter(failedOnly: failedOnly), after: last, limit: Self.pageSize, of: context.workspace)
    let path = "\(WebhooksController.path(of: webhook.id))/deliveries"
    let first = path + ConsoleText.query([("failed", failedOnly ? "1" : nil)])
    var next: String?
    if let place = found.next {
      let cursor = Cursor(place: CursorPosition(after: place.id, key: String(place.microseconds)), total: 0)
      let text = cursors.text(of: cursor, for: listName, in: context.workspace, at: now)
      next = path + ConsoleText.query([("failed", failedOnly ? "1" : nil), ("cursor", text)])
    }
    let view = WebhookDeliveriesView(
      endpointName: WebhookView.name(of: webhook), endpointPath: WebhooksController.path(of: webhook.id), allPath: path,
      failedPath: "\(path)?failed=1", failedOnly: failedOnly,
      log: WebhookLogView(found.deliveries, of: webhook.id, failedOnly: failedOnly, hasMore: next != nil),
      pager: Pager(ifNeeded: last == nil ? nil : first, next: next))
    return ConsolePage(title: "Deliveries", section: .webhooks, template: logTemplate, values: view)
  }

  private func showDelivery(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let webhook = try await commands.webhook(context)
    guard let microseconds = parameters["at"].flatMap({ Int64($0) }), Self.times.contains(microseconds),
      let id = parameters["delivery"].flatMap({ UUID(uuidString: $0) }),
      let delivery = try await deliveries.delivery(
        at: WebhookDeliveriesQuery.Position(microseconds: microseconds, id: id), to: webhook.id, of: context.workspace)
    else { throw APIError(404, "The delivery log has no such delivery. It keeps deliveries for 7 days.") }
    var event: [UInt8]?
    if let sequence = delivery.sequence, !delivery.wasSkipped {
      event = try await deliveries.event(sequence, in: context.workspace)
    }
    return ConsolePage(
      title: "Delivery", section: .webhooks, template: deliveryTemplate,
      values: WebhookDeliveryPageView(delivery, event: event, of: webhook))
  }

  /// The times that PostgreSQL can compute with, in microseconds: from 1970 to the year 9999.
  private static let times = 0...Int64(253_402_300_799_000_000)

  // MARK: Orders

  private func test(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    try await commands.execute(.orderWebhook(.test(webhook.id)), context)
    return .redirect(
      to: Self.path(orderedFor: webhook.id, at: Date()), message: "A test event is on its way. Its outcome appears in the delivery log.")
  }

  private func redeliver(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    var input = WebhookInput(since: form["since"] ?? "")
    guard let since = LocalTime.date(input.since) else {
      input.sinceError = "Enter a date and a time, such as 2026-01-31T08:00."
      return .page(try await page(webhook, input: input, context))
    }
    let order = WebhookOrder.redeliver(webhook.id, workspace: context.workspace, since: since)
    if let refusal = try await commands.refusal(of: .orderWebhook(order), context) {
      guard refusal.isAboutValue else { throw refusal.error }
      input.sinceError = refusal.error.error.detail
      return .page(try await page(webhook, input: input, context))
    }
    return .redirect(
      to: Self.path(orderedFor: webhook.id, at: Date()),
      message: "Events from \(LocalTime.text(since).replacing("T", with: " ")) UTC on are delivered again.")
  }

  private func skip(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    guard let sequence = form["sequence"].flatMap({ Int64($0) }), sequence > 0 else {
      throw APIError(422, "The form is incomplete. Open the page of the endpoint again and repeat the change there.")
    }
    try await commands.execute(.orderWebhook(.skip(webhook.id, workspace: context.workspace, sequence: sequence)), context)
    return .redirect(
      to: Self.path(orderedFor: webhook.id, at: Date()), message: "The event \(sequence) is skipped. The events after it are delivered.")
  }
}
