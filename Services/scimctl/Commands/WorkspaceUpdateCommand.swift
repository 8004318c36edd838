import ArgumentParser
import Models

/// `scimctl workspace update SLUG`, which changes settings of a workspace.
struct UpdateWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Change settings of a workspace; settings that are not given stay the same.",
    discussion:
      "Changes take effect within a second. For domains, roles and schemas see the subcommands domain, mail-domain, role, extension and guard."
  )

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Option(name: .customLong("slug"), help: ArgumentHelp("The new slug.", valueName: "slug"))
  var newSlug: String?

  @Option(help: "The name, which invitations contain.")
  var name: String?

  @Option(help: "The plan.")
  var plan: WorkspaceSettings.Plan?

  @Flag(name: .customLong("saml-sso"), inversion: .prefixedNo, help: "Whether SAML SSO is enabled.")
  var samlSSO: Bool?

  @Flag(inversion: .prefixedNo, help: "Whether SCIM is enabled.")
  var scim: Bool?

  @Option(name: .customLong("sign-in-url"), help: "The URL where its users sign in, which invitations contain.")
  var signInURL: String?

  @Option(help: "The role of users for whom the identity provider sends no role.")
  var defaultRole: String?

  @Option(help: "The SCIM attribute that carries the role.")
  var roleAttribute: String?

  @Option(help: "The connection profile, which selects the identity provider's dialect.")
  var profile: WorkspaceSettings.ConnectionProfile?

  @Option(help: WorkspaceSettings.RelinkPolicy.help)
  var relink: WorkspaceSettings.RelinkPolicy?

  @Option(help: WorkspaceSettings.DuplicateGroupNames.help)
  var duplicateGroupNames: WorkspaceSettings.DuplicateGroupNames?

  @Option(help: "The language of mails to administrators, such as de; none for English.")
  var adminLanguage: String?

  @Option(
    help: ArgumentHelp(
      "The number of users that may be invited or active at a time; none for any number.", valueName: "count"),
    transform: SeatLimit.count)
  var seats: Int?

  @Option(help: SeatLimit.Policy.help)
  var seatsPolicy: SeatLimit.Policy?

  @Option(help: OtherDomains.help)
  var otherDomains: OtherDomains?

  @Option(help: AccountLinking.help)
  var accountLinking: AccountLinking?

  @OptionGroup(title: "Invitations") var invitations: InvitationOptions

  func validate() throws {
    if let signInURL { try SignInURL.check(signInURL) }
    let texts = [newSlug, name, signInURL, defaultRole, roleAttribute, adminLanguage]
    guard
      texts.contains(where: { $0 != nil }) || plan != nil || samlSSO != nil || scim != nil || profile != nil || relink != nil
        || duplicateGroupNames != nil || seats != nil || seatsPolicy != nil || otherDomains != nil || accountLinking != nil
        || !invitations.isEmpty
    else {
      throw ValidationError("No setting is given. 'scimctl workspace update --help' lists the settings.")
    }
  }

  /// Returns `settings` with the given options applied.
  ///
  /// - Throws: ``ScimctlError`` if the invitation options contradict the settings.
  func applied(to settings: WorkspaceSettings) throws(ScimctlError) -> WorkspaceSettings {
    var changed = settings
    if let newSlug { changed.slug = newSlug }
    if let name { changed.name = name }
    if let plan { changed.plan = plan }
    if let samlSSO { changed.samlSSO = samlSSO }
    if let scim { changed.scimEnabled = scim }
    if let signInURL { changed.signInURL = signInURL }
    // In the case of the workspace's role.
    if let defaultRole { changed.defaultRole = settings.role(named: defaultRole) ?? defaultRole }
    if let roleAttribute { changed.roleAttribute = roleAttribute }
    if let profile { changed.connectionProfile = profile }
    if let relink { changed.relink = relink }
    if let duplicateGroupNames { changed.duplicateGroupNames = duplicateGroupNames }
    if let otherDomains { changed.otherDomains = otherDomains }
    if let accountLinking { changed.accountLinking = accountLinking }
    if let adminLanguage { changed.adminLanguage = adminLanguage == "none" ? nil : adminLanguage }
    changed.seats = try SeatLimit(settings.seats, limit: seats, policy: seatsPolicy)
    do throws(ValidationError) {
      changed.invitations = try invitations.applied(to: settings.invitations)
    } catch {
      throw ScimctlError(.usage, error.message)
    }
    return changed
  }

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings throws(ScimctlError) in try applied(to: settings) }
    print("Workspace \(newSlug ?? slug) updated")
  }
}

extension OtherDomains: ExpressibleByArgument {
  /// The help of `--other-domains`.
  static let help = ArgumentHelp(
    """
    What happens to users with addresses in none of the verified domains: allow invites them, hold waits for an admin, reject refuses them.
    """)
}

extension AccountLinking: ExpressibleByArgument {
  /// The help of `--account-linking`.
  static let help = ArgumentHelp(
    """
    How users are linked to imported accounts: verified-address or external-id links them, ask waits for an admin, reject refuses them.
    """)
}

/// Updates the settings of a workspace.
enum WorkspaceUpdate {
  /// How often a change is made again because somebody else changed the settings at the same time.
  static let maximumAttempts = 10

  /// Replaces the settings of the workspace with slug `slug` by the result of `change`.
  ///
  /// - Throws: ``ScimctlError`` if there is no such workspace, or the settings are rejected; whatever `change` throws.
  static func apply(
    to slug: String, _ change: @escaping @Sendable (WorkspaceSettings) throws(ScimctlError) -> WorkspaceSettings
  ) async throws {
    try await withAdministration { try await $0.updateWorkspace(slug, change) }
  }
}
