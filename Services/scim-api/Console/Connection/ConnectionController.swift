import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import ProvisioningLog

/// `/console/settings/scim`: the requirements for SCIM, the connection of an identity provider, and the SCIM settings of the workspace.
struct ConnectionController: ConsoleController {
  private let query: ConnectionQuery
  private let settingsUpdate: SettingsUpdate
  private let template: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, commands: CommandClient) throws {
    query = ConnectionQuery(database: database)
    settingsUpdate = SettingsUpdate(commands: commands)
    template = try ConsoleTemplate(
      PackageResources.scim_gate_mustache + PackageResources.scim_live_mustache + PackageResources.scim_guides_mustache
        + PackageResources.scim_settings_mustache)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("settings/scim", use: show)
    group.form("settings/scim/opt-in", use: changeOptIn)
    group.form("settings/scim/profile") { form, context in
      try await save(ProfileSection(form), form, context, message: "The connection is changed.", at: "connection") { $0.profile = $1 }
    }
    group.form("settings/scim/names") { form, context in
      try await save(NamesSection(form), form, context, message: "The rules for names are changed.", at: "names") { $0.names = $1 }
    }
    group.form("settings/scim/roles") { form, context in
      try await save(RolesSection(form), form, context, message: "The roles are changed.", at: "roles") { $0.roles = $1 }
    }
    group.form("settings/scim/invitations") { form, context in
      try await save(InvitationsSection(form), form, context, message: "The invitations are changed.", at: "invitations") {
        $0.invitations = $1
      }
    }
  }

  private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    try await page(try await query.settings(of: context.workspace), guide: parameters["guide"], context)
  }

  private func page(
    _ stored: StoredSettings, guide: String? = nil, _ context: ConsoleContext, sections: ConnectionSections? = nil, error: String? = nil,
    status: Int = 200
  ) async throws -> ConsolePage {
    async let tokens = query.tokens(of: context.workspace)
    let requests = try await query.requests(of: context.workspace)
    var diagnosis: Diagnosis?
    if let latest = requests.first { diagnosis = try await query.diagnosis(of: latest) }
    let live = LiveCheck(requests, diagnosis: diagnosis, at: Date())
    let view = ConnectionView(
      stored, sections: sections ?? ConnectionSections(of: stored.settings), error: error, live: live, tokens: try await tokens,
      site: context.site, guide: guide)
    return ConsolePage(
      title: "Settings › SCIM", section: .scim, status: .init(code: status), template: template, values: view)
  }

  private func changeOptIn(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let isOn = form["scim"] == "on"
    let stored = try await query.settings(of: context.workspace)
    var settings = stored.settings
    settings.scimEnabled = isOn
    guard let error = try await settingsUpdate.save(settings, in: stored, form, context) else {
      return .redirect(
        to: ConsoleSection.scim.path, message: isOn ? "SCIM is enabled for this workspace." : "SCIM is disabled for this workspace.")
    }
    return .page(
      try await page(try await query.settings(of: context.workspace), context, error: error.message, status: error.status))
  }

  private func save<Section: SettingsSection>(
    _ entered: Section, _ form: Form, _ context: ConsoleContext, message: String, at anchor: String,
    show: @Sendable (inout ConnectionSections, Section) -> Void
  ) async throws -> FormResult {
    var entered = entered
    let stored = try await query.settings(of: context.workspace)
    var status = 422
    if let settings = entered.applied(to: stored.settings) {
      guard let error = try await settingsUpdate.save(settings, in: stored, form, context) else {
        return .redirect(to: "\(ConsoleSection.scim.path)#\(anchor)", message: message)
      }
      entered.problem = error.message
      status = error.status
    }
    let current = try await query.settings(of: context.workspace)
    var sections = ConnectionSections(of: current.settings)
    show(&sections, entered)
    return .page(try await page(current, context, sections: sections, status: status))
  }
}
