import Credentials
import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models

/// `/console/settings/webhooks`: the webhook endpoints of the workspace; their creation, changes and deletion.
struct WebhooksController: ConsoleController {
  private let query: WebhooksQuery
  private let queues: WebhookQueueQuery
  private let commands: WebhookCommandSender
  /// Encrypts secrets for storage; nil if the deployment has no key for it.
  private let seal: WebhookSeal?
  private let listTemplate: ConsoleTemplate
  private let formTemplate: ConsoleTemplate
  private let secretPage: WebhookSecretPage

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, commands: CommandClient, seal: WebhookSeal?) throws {
    query = WebhooksQuery(database: database)
    queues = WebhookQueueQuery(database: database)
    self.commands = WebhookCommandSender(query: query, commands: commands)
    self.seal = seal
    listTemplate = try ConsoleTemplate(PackageResources.webhooks_mustache)
    formTemplate = try ConsoleTemplate(PackageResources.webhook_form_mustache)
    secretPage = try WebhookSecretPage()
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("settings/webhooks", use: list)
    group.page("settings/webhooks/new", use: showForm)
    group.form("settings/webhooks/new", use: create)
    group.page("settings/webhooks/{id}/edit", use: showEdit)
    group.form("settings/webhooks/{id}/edit", use: edit)
    group.form("settings/webhooks/{id}/enable", use: enable)
    group.form("settings/webhooks/{id}/disable", use: disable)
    group.form("settings/webhooks/{id}/delete", use: delete)
    group.form("settings/webhooks/{id}/rotate", use: rotate)
  }

  /// The path of the form for a new endpoint.
  static var newPath: String { "\(ConsoleSection.webhooks.path)/new" }

  /// The path of an endpoint's page.
  static func path(of webhook: WebhookID) -> String { "\(ConsoleSection.webhooks.path)/\(webhook)" }

  private func list(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let found = try await query.endpoints(after: nil, limit: WebhookEndpoint.maximumPerWorkspace, of: context.workspace)
    var views: [WebhookView] = []
    for webhook in found { views.append(WebhookView(webhook, try await queues.queue(of: webhook.id, in: context.workspace))) }
    return ConsolePage(
      title: "Webhooks", section: .webhooks, template: listTemplate, values: WebhooksView(views, isConfigured: seal != nil))
  }

  // MARK: Creation and changes

  private func showForm(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    _ = try configuredSeal()
    return page(WebhookForm(newWith: UUID().uuidString, in: context.workspace))
  }

  /// Creates an endpoint. The response shows the secret, which appears in no URL.
  private func create(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let seal = try configuredSeal()
    guard let seed = form["seed"], seed.utf8.count <= 100 else {
      throw APIError(422, "The form is incomplete. Open the page again and repeat the change there.")
    }
    var entered = WebhookForm(newWith: seed, in: context.workspace, form)
    let id = entered.id
    guard let subscription = entered.subscription() else { return .page(page(entered, status: 422)) }
    let secret = WebhookSecret.made()
    let sealed = try seal.seal(secret, for: id)
    if let refusal = try await commands.refusal(of: .writeWebhook(.create(id, subscription, sealedSecret: sealed)), context) {
      if refusal.status == 409 { throw WebhookSecretPage.alreadySubmitted }
      return .page(page(entered.rejected(refusal), status: 422))
    }
    return .page(secretPage.page(secret, of: id, isRotation: false))
  }

  private func showEdit(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let webhook = try await commands.webhook(context)
    return page(WebhookForm(webhook.id, version: webhook.version, webhook.subscription))
  }

  private func edit(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    var entered = WebhookForm(webhook.id, form)
    guard let version = entered.version else {
      throw APIError(422, "The form is incomplete. Open the page again and repeat the change there.")
    }
    guard let subscription = entered.subscription() else { return .page(page(entered, status: 422)) }
    if let refusal = try await commands.refusal(of: .writeWebhook(.update(webhook.id, subscription)), expecting: version, context) {
      guard refusal.status == 412 else { return .page(page(entered.rejected(refusal), status: 422)) }
      // The input is shown again, to be saved over the present version.
      entered.version = try await commands.webhook(context).version
      entered.problem = SettingsUpdate.Failure.conflict.message
      return .page(page(entered, status: 409))
    }
    return .redirect(to: Self.path(of: webhook.id), message: "The endpoint is changed.")
  }

  private func page(_ form: WebhookForm, status: Int = 200) -> ConsolePage {
    ConsolePage(
      title: form.version == nil ? "New webhook endpoint" : "Edit webhook endpoint", section: .webhooks,
      status: HTTPResponse.Status(code: status), template: formTemplate, values: WebhookFormView(form))
  }

  // MARK: State and secret

  private func enable(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    try await commands.execute(.writeWebhook(.enable(webhook.id)), context)
    return .redirect(
      to: WebhookDeliveriesController.path(orderedFor: webhook.id, at: Date()),
      message: "The endpoint is enabled. Delivery resumes where it stopped.")
  }

  private func disable(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    try await commands.execute(.disableWebhook(webhook.id, reason: "Disabled by \(context.session.name) at the console."), context)
    return .redirect(to: Self.path(of: webhook.id), message: "The endpoint is disabled. Its events wait.")
  }

  private func delete(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let webhook = try await commands.webhook(context)
    try await commands.execute(.deleteWebhook(webhook.id), context)
    return .redirect(to: ConsoleSection.webhooks.path, message: "The endpoint \(WebhookView.name(of: webhook)) is deleted.")
  }

  /// Replaces the secret. A form that is submitted twice shows one secret: the second is for a version that no longer exists.
  private func rotate(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let seal = try configuredSeal()
    let webhook = try await commands.webhook(context)
    let choice = WebhookDetailsView.overlaps.first { $0.value == form["overlap"] }
    guard let version = form["version"].flatMap({ Int64($0) }), let days = choice?.days else {
      throw APIError(422, "The form is incomplete. Open the page of the endpoint again and repeat the change there.")
    }
    let secret = WebhookSecret.made()
    let until = days > 0 ? Date() + TimeInterval(days) * 86_400 : nil
    let write = WebhookEndpointWrite.rotateSecret(
      webhook.id, sealedSecret: try seal.seal(secret, for: webhook.id), formerUntil: until)
    if let refusal = try await commands.refusal(of: .writeWebhook(write), expecting: version, context) {
      if refusal.status == 412 { throw WebhookSecretPage.changedMeanwhile }
      throw refusal.error
    }
    return .page(secretPage.page(secret, of: webhook.id, isRotation: true))
  }

  private func configuredSeal() throws(APIError) -> WebhookSeal {
    guard let seal else {
      throw APIError(501, "Webhooks are not set up on this deployment: its operator sets ROLLCALL_WEBHOOK_KEY for scim-api and group-sync.")
    }
    return seal
  }
}

extension WebhookForm {
  /// The form with the error of identity-store: at the URL, which is all that only identity-store checks, or at the whole form.
  func rejected(_ refusal: WebhookCommandSender.Refusal) -> WebhookForm {
    var form = self
    if refusal.isAboutValue { form.urlError = refusal.error.error.detail } else { form.problem = refusal.error.error.detail }
    return form
  }
}
