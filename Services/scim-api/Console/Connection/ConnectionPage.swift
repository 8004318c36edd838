import EdgeHTTP
import EdgeReads
import Foundation
import Models
import ProvisioningLog
import SCIM

/// *Settings > SCIM*: whether SCIM is open for the workspace, how an identity provider is connected, and what it may be told.
struct ConnectionPage: Sendable {
  let query: ConnectionQuery
  let commands: CommandClient
  private let template: ConsoleTemplate

  /// - Throws: where a template that is built in cannot be read.
  init(database: Database, commands: CommandClient) throws {
    query = ConnectionQuery(database: database)
    self.commands = commands
    template = try ConsoleTemplate(
      PackageResources.scim_gate_mustache + PackageResources.scim_live_mustache + PackageResources.scim_guides_mustache
        + PackageResources.scim_settings_mustache)
  }

  static let path = "\(Console.path)/settings/scim"

  var all: [ConsoleEndpoint] {
    [
      .page("/settings/scim") { parameters, context in
        try await page(try await query.settings(of: context.workspace), guide: parameters["guide"], context)
      },
      .action("/settings/scim/opt-in", changeOptIn),
      .action("/settings/scim/profile") { form, context in
        try await save(ProfileSection(form), form, context, saying: "The connection is changed.", at: "connection") { $0.profile = $1 }
      },
      .action("/settings/scim/names") { form, context in
        try await save(NamesSection(form), form, context, saying: "The rules for names are changed.", at: "names") { $0.names = $1 }
      },
      .action("/settings/scim/roles") { form, context in
        try await save(RolesSection(form), form, context, saying: "The roles are changed.", at: "roles") { $0.roles = $1 }
      },
      .action("/settings/scim/invitations") { form, context in
        try await save(InvitationsSection(form), form, context, saying: "The invitations are changed.", at: "invitations") {
          $0.invitations = $1
        }
      },
    ]
  }

  private func page(
    _ stored: StoredSettings, guide: String? = nil, _ context: ConsoleContext, sections: ConnectionSections? = nil, refused: String? = nil,
    status: Int = 200
  ) async throws -> ConsolePage {
    async let tokens = query.tokens(of: context.workspace)
    let calls = try await query.calls(of: context.workspace)
    var diagnosis: Diagnosis?
    if let latest = calls.first { diagnosis = try await query.diagnosis(of: latest) }
    let live = LiveCheck(calls, diagnosis: diagnosis, at: Date())
    let view = ConnectionView(
      stored, sections: sections ?? ConnectionSections(of: stored.settings), refused: refused, live: live, tokens: try await tokens,
      site: context.site, guide: guide)
    return ConsolePage(
      title: "Settings › SCIM", section: .scim, status: .init(code: status), template: template, values: view)
  }

  @Sendable private func changeOptIn(_ form: Form, _ context: ConsoleContext) async throws -> ConsoleEndpoint.Answer {
    let isOn = form["scim"] == "on"
    let stored = try await query.settings(of: context.workspace)
    var settings = stored.settings
    settings.scimEnabled = isOn
    guard let refusal = try await carryOut(settings, in: stored, form, context) else {
      return .redirect(to: Self.path, saying: isOn ? "SCIM is switched on for this workspace." : "SCIM is switched off for this workspace.")
    }
    return .page(
      try await page(try await query.settings(of: context.workspace), context, refused: refusal.words, status: refusal.status))
  }

  private func save<Section: SettingsSection>(
    _ entered: Section, _ form: Form, _ context: ConsoleContext, saying: String, at anchor: String,
    show: @Sendable (inout ConnectionSections, Section) -> Void
  ) async throws -> ConsoleEndpoint.Answer {
    var entered = entered
    let stored = try await query.settings(of: context.workspace)
    var status = 422
    if let settings = entered.applied(to: stored.settings) {
      guard let refusal = try await carryOut(settings, in: stored, form, context) else {
        return .redirect(to: "\(Self.path)#\(anchor)", saying: saying)
      }
      entered.problem = refusal.words
      status = refusal.status
    }
    let fresh = try await query.settings(of: context.workspace)
    var sections = ConnectionSections(of: fresh.settings)
    show(&sections, entered)
    return .page(try await page(fresh, context, sections: sections, status: status))
  }

  /// Why settings are refused, and the status of the page that says so.
  private struct Refused {
    var status: Int
    var words: String

    /// Somebody else was faster: what they did is not undone by a page that does not know of it.
    static let changedMeanwhile = Refused(
      status: 409,
      words: """
        Somebody else has changed the settings since this page was opened. Nothing was saved. The page shows the settings as they are now, \
        with what you entered here: check it, and save again.
        """)
  }

  /// nil where it is done.
  private func carryOut(
    _ settings: WorkspaceSettings, in stored: StoredSettings, _ form: Form, _ context: ConsoleContext
  ) async throws -> Refused? {
    guard form["version"] == String(stored.version) else { return .changedMeanwhile }
    guard settings != stored.settings else { return nil }
    let outcome = try await commands.execute(
      .updateWorkspace(settings), on: context.workspace.resource, expecting: [stored.version], for: context.session.caller,
      info: context.info)
    switch outcome {
    case .done, .resource, .signIn, .bulk: return nil
    case .refused(412, _): return .changedMeanwhile
    case .refused(let status, let error):
      let words = Self.words(of: error)
      guard status < 500 else { throw APIError(status, words) }
      return Refused(status: 422, words: words)
    }
  }

  /// The detail of a SCIM error in JSON.
  private static func words(of error: [UInt8]) -> String {
    do { return try JSON(parsing: error).object?["detail"]?.string ?? "It was refused." } catch { return "It was refused." }
  }
}
