import ArgumentParser
import Models

/// `scimctl invitation branding`, which shows or changes the branding of invitations.
struct InvitationBrandingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "branding", abstract: "Show or change the branding of a workspace's invitations.",
    discussion: "An empty value, as in --logo '', restores the default.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "The colour of buttons and links, such as #2f5fe0.")
  var colour: String?

  @Option(help: "The HTTPS URL of the logo.")
  var logo: String?

  @Option(help: "The reply-to address.")
  var replyTo: String?

  @Option(help: "The address for support.")
  var support: String?

  @Option(help: "The name of the inviter, instead of \"your administrator\".")
  var inviter: String?

  @OptionGroup var output: OutputOption

  func validate() throws {
    if output.json, changesSomething { throw ValidationError("--json is for showing the branding, without a change.") }
  }

  func run() async throws {
    try await withAdministration { administration in
      let stored = try await administration.workspace(workspace)
      guard changesSomething else {
        let branding = stored.settings.invitations.branding
        return try output.print(branding) { Self.table(of: branding) }
      }
      let command = self
      try await administration.updateWorkspace(stored.settings.slug) { settings throws(ScimctlError) in
        var changed = settings
        changed.invitations.branding = command.applied(to: settings.invitations.branding)
        if let fault = changed.invitations.branding.fault { throw ScimctlError(.rejected, fault) }
        return changed
      }
      print("Branding of the invitations of \(stored.settings.slug) updated")
    }
  }

  /// Whether an option is given.
  private var changesSomething: Bool { [colour, logo, replyTo, support, inviter].contains { $0 != nil } }

  /// Returns `branding` with the given options applied.
  func applied(to branding: InvitationBranding) -> InvitationBranding {
    func value(_ given: String?, _ old: String?) -> String? {
      guard let given else { return old }
      return given.isEmpty ? nil : given
    }
    return InvitationBranding(
      colour: value(colour, branding.colour), logoURL: value(logo, branding.logoURL), replyTo: value(replyTo, branding.replyTo),
      support: value(support, branding.support), inviter: value(inviter, branding.inviter))
  }

  /// One property per line.
  static func table(of branding: InvitationBranding) -> Table {
    var table = Table()
    table.append(["colour", branding.colour])
    table.append(["logo", branding.logoURL])
    table.append(["reply-to", branding.replyTo])
    table.append(["support", branding.support])
    table.append(["inviter", branding.inviter])
    return table
  }
}
