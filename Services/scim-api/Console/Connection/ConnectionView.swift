import EdgeHTTP
import EdgeReads
import Models
import Primitives

/// The settings forms of the connection page.
struct ConnectionSections: Sendable, Equatable {
  var profile: ProfileSection
  var names: NamesSection
  var roles: RolesSection
  var invitations: InvitationsSection

  init(of settings: WorkspaceSettings) {
    profile = ProfileSection(of: settings)
    names = NamesSection(of: settings)
    roles = RolesSection(of: settings)
    invitations = InvitationsSection(of: settings)
  }
}

/// The view model of the connection page.
struct ConnectionView: Sendable, Equatable {
  /// The version of the shown settings.
  var version: String
  /// Why enabling or disabling SCIM failed. The name differs from those of the forms, whose missing properties are looked up here.
  var optInError: String?
  var isEnabled: Bool
  var requirements: [Requirement]
  var isOptedIn: Bool
  /// The SCIM base URL at the host of the request.
  var url: String
  /// The SCIM base URL without the trailing slash.
  var bareURL: String
  /// The SCIM base URLs at the workspace's other domains.
  var domainURLs: [CopyableText]
  var domains: [String]
  var hasNoDomains: Bool
  var slug: String
  var tokens: [String]
  var hasNoTokens: Bool
  var live: LiveCheck
  var guides: [Guide]
  var okta: Bool
  var entra: Bool
  var onelogin: Bool
  var roleAttribute: String
  var roleURN: String
  var roles: [Role]
  /// `admin, editor, viewer`
  var roleNames: String
  var profile: ProfileForm
  var names: NamesForm
  var roleForm: RoleForm
  var invitations: InvitationForm

  /// A requirement for SCIM.
  struct Requirement: Sendable, Equatable {
    var name: String
    var isMet: Bool
    /// The status, and who can change it.
    var explanation: String
    /// The operator's command.
    var command: String?
  }

  /// A text with a button that copies it by the id of its element.
  struct CopyableText: Sendable, Equatable {
    var id: String
    var text: String
  }

  /// A link to a setup guide.
  struct Guide: Sendable, Equatable {
    var name: String
    var path: String
    var isCurrent: Bool
  }

  /// A role of the workspace.
  struct Role: Sendable, Equatable {
    var name: String
    var kind: String
    var isDefault: Bool
  }

  /// The form for the connection profile.
  struct ProfileForm: Sendable, Equatable {
    var entered: ProfileSection
    var profiles: [FormOption]
  }

  /// The form for the handling of duplicate names.
  struct NamesForm: Sendable, Equatable {
    var entered: NamesSection
    var relinks: [FormOption]
    var duplicates: [FormOption]
  }

  /// The form for roles.
  struct RoleForm: Sendable, Equatable {
    var entered: RolesSection
    var choices: [FormOption]
  }

  /// The form for invitations.
  struct InvitationForm: Sendable, Equatable {
    var entered: InvitationsSection
    var sendingOptions: [FormOption]
  }

  /// - Parameter guide: the requested setup guide.
  init(
    _ stored: StoredSettings, sections: ConnectionSections, error: String?, live: LiveCheck, tokens: [String], site: Site, guide: String?
  ) {
    let settings = stored.settings
    version = String(stored.version)
    optInError = error
    isEnabled = settings.scimObstacle == nil
    requirements = Self.requirements(of: settings)
    isOptedIn = settings.scimEnabled
    bareURL = site.baseURL.text
    url = bareURL + "/"
    let scheme = site.url.prefix { $0 != ":" }
    domainURLs = settings.customDomains.filter { $0 != site.host }.enumerated().map { index, domain in
      CopyableText(id: "url-\(index + 1)", text: "\(scheme)://\(domain)\(ResourcePath.base)/")
    }
    domains = settings.customDomains
    hasNoDomains = domains.isEmpty
    slug = settings.slug
    self.tokens = tokens
    hasNoTokens = tokens.isEmpty
    self.live = live
    let chosen = Self.guide(requested: guide, settings.connectionProfile, recognised: live.recognised)
    guides = Self.providers.map { provider in
      Guide(
        name: ConsoleText.identityProvider(provider.rawValue),
        path: "\(ConsoleSection.scim.path)?guide=\(provider.rawValue)#setup", isCurrent: provider == chosen)
    }
    (okta, entra, onelogin) = (chosen == .okta, chosen == .entra, chosen == .onelogin)
    roleAttribute = settings.roleAttribute
    roleURN = "urn:ietf:params:scim:schemas:core:2.0:User:\(settings.roleAttribute)"
    roles = settings.roles.map { role in
      Role(
        name: role, kind: WorkspaceSettings.builtInRoles.contains(role) ? "built in" : "of this workspace",
        isDefault: role == settings.defaultRole)
    }
    roleNames = settings.roles.joined(separator: ", ")
    profile = ProfileForm(entered: sections.profile, profiles: sections.profile.profiles)
    names = NamesForm(entered: sections.names, relinks: sections.names.relinks, duplicates: sections.names.duplicates)
    roleForm = RoleForm(
      entered: sections.roles,
      choices: settings.roles.map {
        FormOption(value: $0, name: $0, isChosen: ComparisonKey($0) == ComparisonKey(sections.roles.defaultRole))
      })
    invitations = InvitationForm(entered: sections.invitations, sendingOptions: sections.invitations.sendingOptions)
  }

  private typealias Profile = WorkspaceSettings.ConnectionProfile

  private static let providers: [Profile] = [.okta, .entra, .onelogin]

  /// The requested guide, or the profile of the workspace, or the last sender, or the first guide.
  private static func guide(requested: String?, _ profile: Profile, recognised: String?) -> Profile {
    if let requested = requested.flatMap(Profile.init(rawValue:)), providers.contains(requested) { return requested }
    if providers.contains(profile) { return profile }
    return providers.first { ConsoleText.identityProvider($0.rawValue) == recognised } ?? .okta
  }

  private static func requirements(of settings: WorkspaceSettings) -> [Requirement] {
    let isEnterprise = settings.plan == .enterprise
    return [
      Requirement(
        name: "Enterprise plan", isMet: isEnterprise,
        explanation: isEnterprise
          ? "The workspace has the plan enterprise."
          : "The workspace has the plan \(settings.plan.rawValue). Ask your account manager for an upgrade; the operator applies it.",
        command: isEnterprise ? nil : "scimctl workspace update \(settings.slug) --plan enterprise"),
      Requirement(
        name: "SAML single sign-on", isMet: settings.samlSSO,
        explanation: settings.samlSSO
          ? "People sign in through SAML."
          : "Not enabled. Enable it in the product under Settings › Security, or ask the operator.",
        command: settings.samlSSO ? nil : "scimctl workspace update \(settings.slug) --saml-sso"),
      Requirement(
        name: "Opt-in", isMet: settings.scimEnabled,
        explanation: settings.scimEnabled ? "An admin has enabled SCIM." : "An admin of the workspace enables SCIM with the button below."),
    ]
  }
}
