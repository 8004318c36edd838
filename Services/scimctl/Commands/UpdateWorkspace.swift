import ArgumentParser
import Models

/// `scimctl workspace update SLUG …`
struct UpdateWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update", abstract: "Change a workspace's settings; what is not named stays as it is.",
    discussion: "In force within a second. For domains, roles and schemas see the commands of those names.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Option(name: .customLong("slug"), help: ArgumentHelp("Another slug.", valueName: "slug"))
  var newSlug: String?

  @Option(help: "What people call it; stands in invitations.")
  var name: String?

  @Option(help: "The plan.")
  var plan: WorkspaceSettings.Plan?

  @Flag(name: .customLong("saml-sso"), inversion: .prefixedNo, help: "Whether SAML SSO is enabled.")
  var samlSSO: Bool?

  @Flag(inversion: .prefixedNo, help: "Whether SCIM is enabled.")
  var scim: Bool?

  @Option(name: .customLong("sign-in-url"), help: "Where its people sign in; stands in invitations.")
  var signInURL: String?

  @Option(help: "The role of people for whom the identity provider sends none.")
  var defaultRole: String?

  @Option(help: "The SCIM attribute that carries the role.")
  var roleAttribute: String?

  @Option(help: "How the identity provider's dialect is read.")
  var profile: WorkspaceSettings.ConnectionProfile?

  @Option(help: WorkspaceSettings.RelinkPolicy.help)
  var relink: WorkspaceSettings.RelinkPolicy?

  @Option(help: WorkspaceSettings.DuplicateGroupNames.help)
  var duplicateGroupNames: WorkspaceSettings.DuplicateGroupNames?

  @Option(help: "The language of mails to its administrators, such as de; none for English.")
  var adminLanguage: String?

  @OptionGroup(title: "Invitations") var invitations: InvitationOptions

  func validate() throws {
    if let signInURL { try SignInURL.check(signInURL) }
    let texts = [newSlug, name, signInURL, defaultRole, roleAttribute, adminLanguage]
    guard
      texts.contains(where: { $0 != nil }) || plan != nil || samlSSO != nil || scim != nil || profile != nil || relink != nil
        || duplicateGroupNames != nil || !invitations.isEmpty
    else {
      throw ValidationError("What is to be changed? 'scimctl workspace update --help' shows what can be.")
    }
  }

  /// `settings` with what the options say.
  func applied(to settings: WorkspaceSettings) throws(Failure) -> WorkspaceSettings {
    var changed = settings
    if let newSlug { changed.slug = newSlug }
    if let name { changed.name = name }
    if let plan { changed.plan = plan }
    if let samlSSO { changed.samlSSO = samlSSO }
    if let scim { changed.scimEnabled = scim }
    if let signInURL { changed.signInURL = signInURL }
    // As the workspace writes it.
    if let defaultRole { changed.defaultRole = settings.role(named: defaultRole) ?? defaultRole }
    if let roleAttribute { changed.roleAttribute = roleAttribute }
    if let profile { changed.connectionProfile = profile }
    if let relink { changed.relink = relink }
    if let duplicateGroupNames { changed.duplicateGroupNames = duplicateGroupNames }
    if let adminLanguage { changed.adminLanguage = adminLanguage == "none" ? nil : adminLanguage }
    do throws(ValidationError) {
      changed.invitations = try invitations.applied(to: settings.invitations)
    } catch {
      throw Failure(.usage, error.message)
    }
    return changed
  }

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings throws(Failure) in try applied(to: settings) }
    print("Workspace \(newSlug ?? slug) changed")
  }
}
