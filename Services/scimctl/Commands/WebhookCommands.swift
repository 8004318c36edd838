import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl webhook`, the commands for webhook endpoints.
struct WebhookCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "webhook", abstract: "URLs of the product to which events are posted, of a workspace or of the deployment.",
    discussion: "An endpoint of the deployment (--deployment) receives the events of all workspaces.",
    subcommands: [
      ListWebhooks.self, ShowWebhook.self, CreateWebhook.self, UpdateWebhook.self, EnableWebhook.self, DisableWebhook.self,
      DeleteWebhook.self, RotateWebhookSecret.self, TestWebhook.self, ListDeliveries.self, SkipEvent.self, RedeliverEvents.self,
    ])
}

/// The arguments that name a webhook endpoint.
struct WebhookArguments: ParsableArguments {
  @OptionGroup var scope: ScopeOptions

  @Argument(
    help: "The id of the webhook, or its first characters; see 'scimctl webhook list'.",
    transform: { try IDPrefix($0, list: "scimctl webhook list") })
  var id: IDPrefix
}

/// `scimctl webhook list`, which lists endpoints.
struct ListWebhooks: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List webhooks: id, state, types of events, URL, description.")

  @OptionGroup var scope: ScopeOptions
  @OptionGroup var output: OutputOption

  func validate() throws { try scope.checkOnlyOne() }

  func run() async throws {
    try await withServer(for: "webhook list") { server in
      let owner = try await scope.owner(server)
      try output.print(try await server.webhooks(of: owner), as: WebhookRow.table)
    }
  }
}

/// `scimctl webhook show ID`, which shows an endpoint.
struct ShowWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a webhook, and the workspaces with an event that cannot be delivered.")

  @OptionGroup var webhook: WebhookArguments
  @OptionGroup var output: OutputOption

  func validate() throws { try webhook.scope.checkOnlyOne() }

  func run() async throws {
    try await withServer(for: "webhook show") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      let shown: WebhookRow = try await server.client.get(server.webhookPath(owner, "\(id)")).decoded(as: "webhook")
      try output.print(shown) { shown.details }
    }
  }
}

/// The options of a webhook endpoint.
struct WebhookOptions: ParsableArguments {
  @Option(help: "What it is for.")
  var description: String?

  @Option(
    name: .customLong("type"), help: ArgumentHelp("Only events of this type, such as member.updated. May be repeated.", valueName: "type"))
  var types: [DirectoryEvent.Kind] = []
}

/// `scimctl webhook create URL`, which creates an endpoint.
struct CreateWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Create a webhook, and print its id and secret. The secret cannot be shown again.")

  @OptionGroup var scope: ScopeOptions

  @Argument(help: "The URL that events are posted to, such as https://app.example.com/rollcall.")
  var url: String

  @OptionGroup var options: WebhookOptions

  @Option(help: ArgumentHelp("A file with the secret (whsec_…), instead of a generated one.", valueName: "file"))
  var secretFile: String?

  @OptionGroup var output: OutputOption

  func validate() throws { try scope.checkOnlyOne() }

  func run() async throws {
    var body: JSONObject = ["url": .string(url)]
    body["description"] = options.description.map(JSON.string)
    if !options.types.isEmpty { body["types"] = .array(options.types.map { .string($0.rawValue) }) }
    body["secret"] = try secretFile.map { .string(try WebhookSecretFile.secret(in: $0)) }
    try await withServer(for: "webhook create") { server in
      let owner = try await scope.owner(server)
      let created: WebhookRow = try await server.client.post(server.webhookPath(owner), body).decoded(as: "webhook")
      try output.print(created) {
        var table = Table()
        table.append(["webhook-id", "\(created.id)"])
        table.append(["secret", created.secret])
        return table
      }
      StandardError.print("\(owner.title): webhook \(created.id) created. 'scimctl webhook test \(created.id)' posts a test event")
    }
  }
}

/// A file with the secret of a webhook.
enum WebhookSecretFile {
  /// Reads the secret.
  ///
  /// - Throws: ``ScimctlError`` if the file cannot be read.
  static func secret(in path: String) throws(ScimctlError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
      throw ScimctlError(.notFound, "the file '\(path)' cannot be read: \(error.localizedDescription)")
    }
  }
}

/// `scimctl webhook update ID`, which changes an endpoint.
struct UpdateWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "update", abstract: "Change the URL, description or types of a webhook.")

  @OptionGroup var webhook: WebhookArguments

  @Option(help: "The new URL.")
  var url: String?

  @OptionGroup var options: WebhookOptions

  @Flag(help: "Deliver events of all types.")
  var allTypes = false

  func validate() throws {
    try webhook.scope.checkOnlyOne()
    if allTypes, !options.types.isEmpty { throw ValidationError("--all-types and --type exclude each other.") }
    if changes.isEmpty { throw ValidationError("Give at least one of --url, --description, --type and --all-types.") }
  }

  /// The merge patch that the options describe.
  var changes: JSONObject {
    var body = JSONObject()
    body["url"] = url.map(JSON.string)
    body["description"] = options.description.map(JSON.string)
    if !options.types.isEmpty { body["types"] = .array(options.types.map { .string($0.rawValue) }) }
    if allTypes { body["types"] = JSON.null }
    return body
  }

  func run() async throws {
    try await withServer(for: "webhook update") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      var request = ManagementRequest(.patch, server.webhookPath(owner, "\(id)"), json: changes)
      request.contentType = "application/merge-patch+json"
      try await server.client.send(request)
      print("\(owner.title): webhook \(id) updated")
    }
  }
}

/// `scimctl webhook delete ID`, which deletes an endpoint.
struct DeleteWebhook: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a webhook. Nothing more is posted to it.")

  @OptionGroup var webhook: WebhookArguments

  func validate() throws { try webhook.scope.checkOnlyOne() }

  func run() async throws {
    try await withServer(for: "webhook delete") { server in
      let owner = try await webhook.scope.owner(server)
      let id = try await server.webhookID(webhook.id, of: owner)
      try await server.client.delete(server.webhookPath(owner, "\(id)"))
      print("\(owner.title): webhook \(id) deleted")
    }
  }
}

extension DirectoryEvent.Kind: ExpressibleByArgument {}
