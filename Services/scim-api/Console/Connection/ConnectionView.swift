import EdgeHTTP
import EdgeReads
import Models
import Primitives

/// The forms of the page about the connection.
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

/// What the page about the connection shows.
struct ConnectionView: Sendable, Equatable {
  /// Of the settings that the forms show.
  var version: String
  /// Why a switch was refused. (Not as the forms call it: what is nil in one of them is looked up here.)
  var refused: String?
  var isOpen: Bool
  var conditions: [Condition]
  var isOptedIn: Bool
  /// The SCIM URL at the host that was called.
  var url: String
  /// The same without the slash at its end.
  var bareURL: String
  /// At the workspace's own domains, but for the one that was called.
  var domainURLs: [Numbered]
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

  /// One of the three that SCIM needs.
  struct Condition: Sendable, Equatable {
    var name: String
    var isMet: Bool
    /// How it stands, and who can change it.
    var words: String
    /// The operator's way.
    var command: String?
  }

  /// Something that is copied by the id of its element.
  struct Numbered: Sendable, Equatable {
    var id: String
    var text: String
  }

  struct Guide: Sendable, Equatable {
    var name: String
    var path: String
    var isCurrent: Bool
  }

  struct Role: Sendable, Equatable {
    var name: String
    var kind: String
    var isDefault: Bool
  }

  struct ProfileForm: Sendable, Equatable {
    var entered: ProfileSection
    var profiles: [FormOption]
  }

  struct NamesForm: Sendable, Equatable {
    var entered: NamesSection
    var relinks: [FormOption]
    var duplicates: [FormOption]
  }

  struct RoleForm: Sendable, Equatable {
    var entered: RolesSection
    var choices: [FormOption]
  }

  struct InvitationForm: Sendable, Equatable {
    var entered: InvitationsSection
    var ways: [FormOption]
  }

  /// - Parameter guide: the identity provider whose set-up was asked for.
  init(
    _ stored: StoredSettings, sections: ConnectionSections, refused: String?, live: LiveCheck, tokens: [String], site: Site, guide: String?
  ) {
    let settings = stored.settings
    version = String(stored.version)
    self.refused = refused
    isOpen = settings.scimObstacle == nil
    conditions = Self.conditions(of: settings)
    isOptedIn = settings.scimEnabled
    bareURL = site.baseURL.text
    url = bareURL + "/"
    let scheme = site.url.prefix { $0 != ":" }
    domainURLs = settings.customDomains.filter { $0 != site.host }.enumerated().map { index, domain in
      Numbered(id: "url-\(index + 1)", text: "\(scheme)://\(domain)\(ResourcePath.base)/")
    }
    domains = settings.customDomains
    hasNoDomains = domains.isEmpty
    slug = settings.slug
    self.tokens = tokens
    hasNoTokens = tokens.isEmpty
    self.live = live
    let chosen = Self.guide(asked: guide, settings.connectionProfile, recognised: live.recognised)
    guides = Self.providers.map { provider in
      Guide(
        name: LiveCheck.provider(provider.rawValue) ?? provider.rawValue,
        path: "\(ConnectionPage.path)?guide=\(provider.rawValue)#setup", isCurrent: provider == chosen)
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
    invitations = InvitationForm(entered: sections.invitations, ways: sections.invitations.ways)
  }

  private typealias Profile = WorkspaceSettings.ConnectionProfile

  private static let providers: [Profile] = [.okta, .entra, .onelogin]

  /// What was asked for, else what the workspace is set to, else who called last, else the first.
  private static func guide(asked: String?, _ profile: Profile, recognised: String?) -> Profile {
    if let asked = asked.flatMap(Profile.init(rawValue:)), providers.contains(asked) { return asked }
    if providers.contains(profile) { return profile }
    return providers.first { LiveCheck.provider($0.rawValue) == recognised } ?? .okta
  }

  private static func conditions(of settings: WorkspaceSettings) -> [Condition] {
    let isEnterprise = settings.plan == .enterprise
    return [
      Condition(
        name: "Enterprise plan", isMet: isEnterprise,
        words: isEnterprise
          ? "The workspace is on the plan enterprise."
          : "The workspace is on the plan \(settings.plan.rawValue). Ask your account manager for an upgrade; the operator enters it.",
        command: isEnterprise ? nil : "scimctl workspace update \(settings.slug) --plan enterprise"),
      Condition(
        name: "SAML single sign-on", isMet: settings.samlSSO,
        words: settings.samlSSO
          ? "People sign in through SAML."
          : "It is not enabled. Enable it in the product under Settings › Security; where that is not there, the operator does it.",
        command: settings.samlSSO ? nil : "scimctl workspace update \(settings.slug) --saml-sso"),
      Condition(
        name: "Switched on here", isMet: settings.scimEnabled,
        words: settings.scimEnabled ? "An admin has switched SCIM on." : "An admin of the workspace switches it on, with the button below."),
    ]
  }
}
