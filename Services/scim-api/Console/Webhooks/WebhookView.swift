import EdgeHTTP
import EdgeReads
import Foundation
import Models

/// A webhook endpoint in the list.
struct WebhookView: Sendable, Equatable {
  var webhookPath: String
  var webhookName: String
  var url: String
  /// The types of events, or that all are received.
  var types: [String]
  var receivesAll: Bool
  var state: Status

  /// The state for display.
  struct Status: Sendable, Equatable {
    var label: String
    /// The colour of the badge.
    var tone: String
  }

  init(_ webhook: StoredWebhook, _ queue: WebhookQueue) {
    webhookPath = WebhooksController.path(of: webhook.id)
    webhookName = Self.name(of: webhook)
    url = webhook.subscription.url
    types = webhook.subscription.types ?? []
    receivesAll = webhook.subscription.types == nil
    state = Self.state(of: webhook, queue)
  }

  /// The name of an endpoint: its description, or else its host.
  static func name(of webhook: StoredWebhook) -> String {
    guard webhook.subscription.description.isEmpty else { return webhook.subscription.description }
    let rest = webhook.subscription.url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: true)
    return rest.count > 1 ? String(rest[1].prefix { $0 != "/" && $0 != "?" }) : webhook.subscription.url
  }

  /// The state of an endpoint.
  static func state(of webhook: StoredWebhook, _ queue: WebhookQueue) -> Status {
    if webhook.state == .disabled { return Status(label: "Disabled", tone: "bad") }
    if (queue.progress?.attempts ?? 0) > 0 { return Status(label: "Failing", tone: "warn") }
    return Status(label: "Enabled", tone: "good")
  }
}

/// The view model of the list of endpoints.
struct WebhooksView: Sendable {
  var webhooks: [WebhookView]
  var isEmpty: Bool
  /// Whether the deployment has a key for the secrets of webhooks.
  var isConfigured: Bool
  var canCreate: Bool
  /// Whether the workspace has the most endpoints that are allowed.
  var isFull: Bool
  var maximum: Int

  init(_ webhooks: [WebhookView], isConfigured: Bool) {
    self.webhooks = webhooks
    isEmpty = webhooks.isEmpty
    self.isConfigured = isConfigured
    maximum = WebhookEndpoint.maximumPerWorkspace
    isFull = webhooks.count >= WebhookEndpoint.maximumPerWorkspace
    canCreate = isConfigured && !isFull
  }
}

/// The state of an endpoint's queue.
struct WebhookQueueView: Sendable, Equatable {
  /// The sequence number of the last event that is delivered, skipped or of another type; nil before the first.
  var lastDelivered: String?
  /// `3 events`, `up to 3 events`
  var waitingEvents: String
  /// The failed attempts at the next event; nil if there are none.
  var failures: Failures?

  /// The failed attempts at the next event.
  struct Failures: Sendable, Equatable {
    var failedAttempts: String?
    var failingSince: String?
    /// When the event is attempted again; nil while the endpoint is disabled.
    var nextAttempt: String?
    var lastFailure: String?
    /// The event at which delivery is stuck; nil if it is not known.
    var stuckEvent: String?
    var skipQuestion: String
  }

  init(_ queue: WebhookQueue, of webhook: StoredWebhook) {
    let progress = queue.progress
    lastDelivered = progress.flatMap { $0.lastSequence > 0 ? "\($0.lastSequence)" : nil }
    if let waiting = queue.waiting {
      let isFiltered = webhook.subscription.types != nil
      let events = ConsoleText.count(Int(waiting), "event", "events")
      waitingEvents = waiting == 0 ? "none" : isFiltered ? "up to \(events), of which some may be of other types" : events
    } else {
      waitingEvents = "not known yet: nothing was delivered so far"
    }
    guard let progress, progress.isFailing else { return }
    let stuck = queue.stuckEvent.map { "\($0)" }
    failures = Failures(
      failedAttempts: progress.attempts > 0 ? ConsoleText.number(progress.attempts) : nil,
      failingSince: progress.firstFailedAt.map(Timestamp.text),
      nextAttempt: webhook.state == .enabled ? progress.nextAttemptAt.map(Timestamp.text) : nil,
      lastFailure: progress.lastError.map(\.capitalisedFirst), stuckEvent: stuck,
      skipQuestion: "Skip the event \(stuck ?? "")? It is not delivered to this endpoint. The events after it are delivered.")
  }
}

/// A form on the page of an endpoint that was rejected: its input and the error.
struct WebhookInput: Sendable, Equatable {
  /// The time from which events are delivered again.
  var since: String
  var sinceError: String?
}

/// The view model of an endpoint's page.
struct WebhookDetailsView: Sendable {
  var summary: WebhookView
  var webhookPath: String
  var version: String
  /// The description.
  var note: String?
  var createdAt: String
  var changedAt: String
  var isEnabled: Bool
  var isConfigured: Bool
  /// Why the endpoint is disabled.
  var disabledReason: String?
  var disabledAt: String?
  /// Until when the former secret also signs.
  var formerSecretUntil: String?
  var queue: WebhookQueueView
  var gracePeriods: [FormOption]
  var redelivery: WebhookInput
  var log: WebhookLogView
  /// Whether the page refreshes because an order is about to take effect.
  var isLive: Bool
  var rotateQuestion: String
  var disableQuestion: String
  var deleteQuestion: String

  /// How long the page refreshes after an order, in seconds.
  private static let refreshPeriod: TimeInterval = 60
  /// The periods for which the former secret also signs.
  static let overlaps = [
    PeriodChoice(days: 1, name: "For another day"), PeriodChoice(days: 7, name: "For another 7 days"),
    PeriodChoice(days: 30, name: "For another 30 days"), PeriodChoice(days: 0, name: "Not at all"),
  ]

  /// - Parameters:
  ///   - log: the latest deliveries.
  ///   - orderedAt: when a form on this page was submitted that group-sync carries out.
  init(
    _ webhook: StoredWebhook, _ queue: WebhookQueue, log: WebhookLogView, input: WebhookInput?, isConfigured: Bool, orderedAt: Date?,
    at now: Date
  ) {
    let name = WebhookView.name(of: webhook)
    summary = WebhookView(webhook, queue)
    webhookPath = summary.webhookPath
    version = String(webhook.version)
    note = webhook.subscription.description.isEmpty ? nil : webhook.subscription.description
    createdAt = Timestamp.text(webhook.createdAt)
    changedAt = Timestamp.text(webhook.modifiedAt)
    isEnabled = webhook.state == .enabled
    self.isConfigured = isConfigured
    disabledReason = webhook.disabledReason
    disabledAt = webhook.disabledAt.map(Timestamp.text)
    formerSecretUntil = webhook.formerSecretUntil.flatMap { $0 > now ? Timestamp.text($0) : nil }
    self.queue = WebhookQueueView(queue, of: webhook)
    gracePeriods = PeriodChoice.options(Self.overlaps, selected: "1")
    redelivery = input ?? WebhookInput(since: LocalTime.text(now - 86_400))
    self.log = log
    isLive = orderedAt.map { (0..<Self.refreshPeriod).contains(now.timeIntervalSince($0)) } ?? false
    rotateQuestion = "Replace the secret of \(name)? The new one is shown once. A secret that was replaced before stops signing now."
    disableQuestion = "Disable \(name)? Events wait until it is enabled again, for up to 30 days."
    deleteQuestion =
      "Delete \(name)? Events that were not delivered are lost for it, and its delivery log is no longer shown. This cannot be undone."
  }
}

/// The text of a time in a field of the type `datetime-local`, in UTC: `2026-01-31T08:00`.
enum LocalTime {
  /// The text of a date, to the minute.
  static func text(_ date: Date) -> String { String(Timestamp.text(date).prefix(16)) }

  /// The time of a field; nil if it is malformed. Browsers add seconds if they are not 0, and people may enter a Z or a space.
  static func date(_ text: String) -> Date? {
    var text = text.replacing(" ", with: "T")
    if text.hasSuffix("Z") || text.hasSuffix("z") { text.removeLast() }
    if text.count == 10 { text += "T00:00" }
    if text.count == 16 { text += ":00" }
    // A longer text has an offset.
    return text.count == 19 ? Timestamp.date(text + "Z") : nil
  }
}
