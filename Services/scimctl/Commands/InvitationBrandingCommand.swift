import ArgumentParser
import Models

/// `scimctl invitation branding`
struct InvitationBrandingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "branding", abstract: "Show or change how a workspace's invitations look, and whom they name.",
    discussion: "An empty value, as in --logo '', goes back to what is built in.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "The colour of buttons and links: #2f5fe0.")
  var colour: String?

  @Option(help: "The https address of a logo.")
  var logo: String?

  @Option(help: "The address that answers go to.")
  var replyTo: String?

  @Option(help: "The address of whoever helps.")
  var support: String?

  @Option(help: "Who invites, in place of \"your administrator\".")
  var inviter: String?

  func run() async throws {
    guard changesSomething else {
      let settings = try await Settings.forReading()
      let known = try await withDatabase(settings) { try await workspace.resolve(settings, on: $0) }
      return Self.table(of: known.settings.invitations.branding).print()
    }
    let settings = try await Settings.forWriting()
    let slug = try await withDatabase(settings) { pool in
      var known = try await workspace.resolve(settings, on: pool)
      known.settings.invitations.branding = applied(to: known.settings.invitations.branding)
      if let fault = known.settings.invitations.branding.fault { throw Failure(.refused, fault) }
      let store = try await CommandClient(settings, pool: pool)
      try await store.carryOut(.updateWorkspace(known.settings), in: known.id)
      return known.settings.slug
    }
    print("The invitations of \(slug) are branded")
  }

  private var changesSomething: Bool { [colour, logo, replyTo, support, inviter].contains { $0 != nil } }

  /// `branding` with what was given.
  func applied(to branding: InvitationBranding) -> InvitationBranding {
    func value(_ given: String?, _ old: String?) -> String? {
      guard let given else { return old }
      return given.isEmpty ? nil : given
    }
    return InvitationBranding(
      colour: value(colour, branding.colour), logoURL: value(logo, branding.logoURL), replyTo: value(replyTo, branding.replyTo),
      support: value(support, branding.support), inviter: value(inviter, branding.inviter))
  }

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
