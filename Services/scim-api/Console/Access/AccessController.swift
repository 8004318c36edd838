import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// `/console/settings/access`: the policies for people of other domains, existing accounts and the last administrator, and the seats.
struct AccessController: ConsoleController {
  private let pages: AccessPages
  private let settingsUpdate: SettingsUpdate

  init(pages: AccessPages, commands: CommandClient) {
    self.pages = pages
    settingsUpdate = SettingsUpdate(commands: commands)
  }

  func addRoutes(to group: RouterGroup<ConsoleContext>) {
    group.page("settings/access") { _, context in try await pages.page(context) }
    group.form("settings/access/other-domains") { form, context in
      try await save(OtherDomainsSection(form), form, context, message: "The policy for other domains is changed.", at: "other-domains") {
        $0.otherDomains = $1
      }
    }
    group.form("settings/access/accounts") { form, context in
      try await save(AccountLinkingSection(form), form, context, message: "The policy for existing accounts is changed.", at: "accounts") {
        $0.accountLinking = $1
      }
    }
    group.form("settings/access/last-admin") { form, context in
      try await save(LastAdminSection(form), form, context, message: "The rule for the last admin is changed.", at: "last-admin") {
        $0.lastAdmin = $1
      }
    }
  }

  private func save<Section: SettingsSection>(
    _ entered: Section, _ form: Form, _ context: ConsoleContext, message: String, at anchor: String,
    show: @Sendable (inout AccessInput, Section) -> Void
  ) async throws -> FormResult {
    var entered = entered
    let stored = try await pages.settings(context)
    var status = 422
    if let settings = entered.applied(to: stored.settings) {
      guard let failure = try await settingsUpdate.save(settings, in: stored, form, context) else {
        return .redirect(to: "\(ConsoleSection.access.path)#\(anchor)", message: message)
      }
      entered.problem = failure.message
      status = failure.status
    }
    var input = AccessInput()
    show(&input, entered)
    return .page(try await pages.page(context, showing: input, status: status))
  }
}
