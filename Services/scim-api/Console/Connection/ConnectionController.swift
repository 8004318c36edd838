import EdgeHTTP
import EdgeReads
import Foundation
import Hummingbird
import Models
import ProvisioningLog

/// `/console/settings/scim`: the requirements for SCIM, the connection of an identity provider, and the SCIM settings of the workspace.
struct ConnectionController: ConsoleController {
  private let query: ConnectionQuery
  private let commands: CommandClient
  private let template: ConsoleTemplate

  /// - Throws: an error if an embedded template cannot be parsed.
  init(database: Database, commands: CommandClient) throws {
    query = ConnectionQuery(database: database)
    self.commands = commands
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
    async let seatsTaken = query.seatsTaken(in: context.workspace)
    let requests = try await query.requests(of: context.workspace)
    var diagnosis: Diagnosis?
    if let latest = requests.first { diagnosis = try await query.diagnosis(of: latest) }
    let live = LiveCheck(requests, diagnosis: diagnosis, at: Date())
    let view = ConnectionView(
      stored, sections: sections ?? ConnectionSections(of: stored.settings), error: error, live: live, tokens: try await tokens,
      seatsTaken: try await seatsTaken, site: context.site, guide: guide)
    return ConsolePage(
      title: "Settings › SCIM", section: .scim, status: .init(code: status), template: template, values: view)
  }

  private func changeOptIn(_ form: Form, _ context: ConsoleContext) async throws -> FormResult {
    let isOn = form["scim"] == "on"
    let stored = try await query.settings(of: context.workspace)
    var settings = stored.settings
    settings.scimEnabled = isOn
    guard let error = try await update(settings, in: stored, form, context) else {
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
      guard let error = try await update(settings, in: stored, form, context) else {
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

  /// Why settings were not saved, and the status of the page with the error.
  private struct SaveError {
    var status: Int
    var message: String

    /// Another admin has changed the settings since the page was loaded.
    static let conflict = SaveError(
      status: 409,
      message: """
        Somebody else has changed the settings since this page was opened. Nothing was saved. The page shows the current settings with \
        your input: check it and save again.
        """)
  }

  /// Saves settings. Returns nil on success.
  ///
  /// - Throws: the error of identity-store if the status is at least 500.
  private func update(
    _ settings: WorkspaceSettings, in stored: StoredSettings, _ form: Form, _ context: ConsoleContext
  ) async throws -> SaveError? {
    guard form["version"] == String(stored.version) else { return .conflict }
    guard settings != stored.settings else { return nil }
    let outcome = try await commands.execute(
      .updateWorkspace(settings), on: context.workspace.resource, expecting: [stored.version], for: context.session.caller,
      info: context.info)
    switch outcome {
    case .done, .resource, .signIn, .bulk: return nil
    case .refused(412, _): return .conflict
    case .refused(let status, let error):
      let error = APIError(status: status, stored: error)
      guard status < 500 else { throw error }
      return SaveError(status: 422, message: error.error.detail)
    }
  }
}
