import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl webhook enable ID`, which starts delivery again.
struct EnableWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enable", abstract: "Enable a webhook. Delivery resumes with the first event that was not delivered.")

  @OptionGroup var webhook: WebhookArguments

  func validate() throws { try webhook.scope.checkOnlyOne() }

  func run() async throws {
    try await withServer(for: "webhook enable") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      try await server.order("enable", for: id, of: owner)
      print("\(owner.title): webhook \(id) enabled")
    }
  }
}

/// `scimctl webhook disable ID`, which stops delivery.
struct DisableWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "disable", abstract: "Disable a webhook. Events are kept and delivered when it is enabled again.")

  @OptionGroup var webhook: WebhookArguments

  @Option(help: "The reason, which 'webhook show' and the audit trail contain.")
  var reason: String?

  func validate() throws { try webhook.scope.checkOnlyOne() }

  func run() async throws {
    var body = JSONObject()
    body["reason"] = reason.map(JSON.string)
    try await withServer(for: "webhook disable") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      try await server.order("disable", body, for: id, of: owner)
      print("\(owner.title): webhook \(id) disabled")
    }
  }
}

/// `scimctl webhook rotate-secret ID`, which replaces the secret.
struct RotateWebhookSecret: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate-secret", abstract: "Replace the secret of a webhook and print the new one. It cannot be shown again.")

  @OptionGroup var webhook: WebhookArguments

  @Option(help: ArgumentHelp("How long the old secret also signs, at most 30d. (default: 1d)", valueName: "time"))
  var overlap: DurationArgument?

  @Flag(help: "Stop signing with the old secret immediately.")
  var atOnce = false

  @Option(help: ArgumentHelp("A file with the new secret (whsec_…), instead of a generated one.", valueName: "file"))
  var secretFile: String?

  func validate() throws {
    try webhook.scope.checkOnlyOne()
    if atOnce, overlap != nil { throw ValidationError("--overlap and --at-once exclude each other.") }
  }

  /// How long the old secret also signs, in seconds; nil for the default.
  var overlapSeconds: Int64? { atOnce ? 0 : overlap.map { Int64($0.interval) } }

  func run() async throws {
    var body = JSONObject()
    body["overlapSeconds"] = overlapSeconds.map(JSON.integer)
    body["secret"] = try secretFile.map { .string(try WebhookSecretFile.secret(in: $0)) }
    try await withServer(for: "webhook rotate-secret") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      let changed: WebhookRow = try await server.order("rotate-secret", body, for: id, of: owner).decoded(as: "webhook")
      print(changed.secret ?? "-")
      let until =
        changed.formerSecretUntil.map { "The old one also signs until \(Timestamp.text($0))" } ?? "The old one does not sign any more"
      StandardError.print("\(owner.title): webhook \(id) has a new secret. \(until)")
    }
  }
}

/// `scimctl webhook test ID`, which posts a test event.
struct TestWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Post a test event. 'scimctl webhook deliveries ID' shows the outcome.")

  @OptionGroup var webhook: WebhookArguments

  func validate() throws { try webhook.scope.checkOnlyOne() }

  func run() async throws {
    try await withServer(for: "webhook test") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      try await server.order("test", for: id, of: owner)
      print("\(owner.title): webhook \(id) gets a test event; 'scimctl webhook deliveries \(id)' shows the outcome")
    }
  }
}

/// The arguments of commands about the deliveries to an endpoint: with `--deployment`, `--workspace` names the workspace of the events.
struct DeliveryArguments: ParsableArguments {
  @OptionGroup var webhook: WebhookArguments

  /// The workspace of the events; nil for the workspace of the endpoint, or for all.
  var eventWorkspace: String? { webhook.scope.isDeployment ? webhook.scope.workspace.slug : nil }
}

/// `scimctl webhook deliveries ID`, which lists requests to an endpoint.
struct ListDeliveries: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "deliveries",
    abstract: "List the requests of 7 days, the latest first: time, outcome, status, milliseconds, type, sequence, attempt, event, error.",
    discussion:
      "With --deployment, --workspace selects the events of a workspace, by slug or id. --json has the beginnings of the responses.")

  @OptionGroup var delivery: DeliveryArguments

  @Flag(help: "Only requests that failed.")
  var failed = false

  @Option(help: "Only requests with this event.")
  var event: String?

  @Option(help: "The maximum number of requests.")
  var limit = 50

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
  }

  func run() async throws {
    try await withServer(for: "webhook deliveries") { server in
      let owner = try await delivery.webhook.scope.owner(server)
      let id = try await server.webhookID(delivery.webhook.id, of: owner)
      let query: [(name: String, value: String?)] = [
        (name: "failed", value: failed ? "true" : nil), (name: "event", value: event), (name: "workspace", value: delivery.eventWorkspace),
      ]
      let found = try await server.client.list(
        of: WebhookDeliveryRow.self, server.webhookPath(owner, "\(id)", "deliveries"), "deliveries", query: query, limit: limit)
      try output.print(found.items, as: WebhookDeliveryRow.table)
      if found.isCut { StandardError.print("scimctl: only the latest \(limit) are listed; use --limit to list more") }
    }
  }
}

/// `scimctl webhook skip ID`, which skips an event.
struct SkipEvent: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "skip", abstract: "Skip the event at which delivery is stuck; see 'scimctl webhook show ID'.",
    discussion: "With --deployment, --workspace names the workspace of the event, by slug or id.")

  @OptionGroup var delivery: DeliveryArguments

  @Option(help: "The sequence number of the event.")
  var sequence: Int64

  func validate() throws {
    guard sequence > 0 else { throw ValidationError("--sequence must be at least 1.") }
    if delivery.webhook.scope.isDeployment, delivery.eventWorkspace == nil {
      throw ValidationError("With --deployment, --workspace is required: the workspace of the event.")
    }
  }

  func run() async throws {
    var body: JSONObject = ["sequence": .integer(sequence)]
    body["workspace"] = delivery.eventWorkspace.map(JSON.string)
    try await withServer(for: "webhook skip") { server in
      let owner = try await delivery.webhook.scope.owner(server)
      let id = try await server.webhookID(delivery.webhook.id, of: owner)
      try await server.order("skip", body, for: id, of: owner)
      print("\(owner.title): event \(sequence) is skipped for webhook \(id)")
    }
  }
}

/// `scimctl webhook redeliver ID`, which delivers events again.
struct RedeliverEvents: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "redeliver", abstract: "Deliver all events since a time again, in order.",
    discussion: "With --deployment, --workspace selects the events of a workspace, by slug or id. Events are stored for 30 days.")

  @OptionGroup var delivery: DeliveryArguments

  @Option(help: ArgumentHelp("Since 2h, 3d, or a time such as 2026-01-31T08:00:00Z.", valueName: "time"))
  var since: PastTime

  func run() async throws {
    let start = since.time(at: .now)
    var body: JSONObject = ["since": .string(Timestamp.text(start))]
    body["workspace"] = delivery.eventWorkspace.map(JSON.string)
    try await withServer(for: "webhook redeliver") { server in
      let owner = try await delivery.webhook.scope.owner(server)
      let id = try await server.webhookID(delivery.webhook.id, of: owner)
      try await server.order("redeliver", body, for: id, of: owner)
      print("\(owner.title): webhook \(id) gets all events since \(Timestamp.text(start)) again")
    }
  }
}
