import Primitives

/// The settings of a customer's workspace.
public struct WorkspaceSettings: Sendable, Hashable, Codable {
  /// The short name in URLs and commands, unique in the deployment: lower-case letters, digits and dashes.
  public var slug: String
  /// The display name, which is in the invitation.
  public var name: String
  /// The plan of the customer; SCIM requires `enterprise`.
  public var plan: Plan
  /// Whether SAML SSO is enabled in the product.
  public var samlSSO: Bool
  /// Whether the workspace has opted in to SCIM.
  public var scimEnabled: Bool
  /// The URL of the sign-in page, which is in the invitation.
  public var signInURL: String
  /// The roles in addition to the built-in ones.
  public var customRoles: [String]
  /// The role of a user for whom the identity provider sends none.
  public var defaultRole: String
  /// The name of the SCIM attribute that carries the role.
  public var roleAttribute: String
  /// The normalisations for the dialect of the identity provider.
  public var connectionProfile: ConnectionProfile
  /// The schema extensions.
  public var extensions: [SchemaExtension]
  /// The workspace's own host names for SCIM, in lower case, each unique in the deployment.
  public var customDomains: [String]
  /// How people are invited.
  public var invitations: InvitationPolicy
  /// Which changes wait for the approval of an admin; `nil`: none.
  public var changeGuard: ChangeGuard?
  /// How many users may be enabled; `nil`: any number.
  public var seats: SeatLimit?
  /// The language (BCP 47) of mails to administrators, such as digests and notices of held changes; `nil`: English.
  public var adminLanguage: String?
  /// Whether a POST reuses the record of a disabled user.
  public var relink: RelinkPolicy
  /// Whether two groups may have the same name.
  public var duplicateGroupNames: DuplicateGroupNames
  /// The mail domains of the customer. Only ``MailDomainChange`` changes them, not an update of the settings.
  public var mailDomains: [MailDomain]
  /// What happens to users with addresses in other domains.
  public var otherDomains: OtherDomains
  /// How users are linked to imported accounts.
  public var accountLinking: AccountLinking
  /// When the workspace will be deleted. It is suspended until then. Only ``WorkspaceDeletion`` changes it, not an update of the settings.
  public var deletion: ScheduledDeletion?

  /// Creates settings.
  public init(
    slug: String, name: String, plan: Plan, samlSSO: Bool, scimEnabled: Bool, signInURL: String, customRoles: [String] = [],
    defaultRole: String = "viewer", roleAttribute: String = "secodaRole", connectionProfile: ConnectionProfile = .auto,
    extensions: [SchemaExtension] = [], customDomains: [String] = [], invitations: InvitationPolicy = InvitationPolicy(),
    changeGuard: ChangeGuard? = nil, seats: SeatLimit? = nil, adminLanguage: String? = nil, relink: RelinkPolicy = .samePerson,
    duplicateGroupNames: DuplicateGroupNames = .reject,
    mailDomains: [MailDomain] = [], otherDomains: OtherDomains = .allow, accountLinking: AccountLinking = .verifiedAddress,
    deletion: ScheduledDeletion? = nil
  ) {
    self.slug = slug
    self.name = name
    self.plan = plan
    self.samlSSO = samlSSO
    self.scimEnabled = scimEnabled
    self.signInURL = signInURL
    self.customRoles = customRoles
    self.defaultRole = defaultRole
    self.roleAttribute = roleAttribute
    self.connectionProfile = connectionProfile
    self.extensions = extensions
    self.customDomains = customDomains
    self.invitations = invitations
    self.changeGuard = changeGuard
    self.seats = seats
    self.adminLanguage = adminLanguage
    self.relink = relink
    self.duplicateGroupNames = duplicateGroupNames
    self.mailDomains = mailDomains
    self.otherDomains = otherDomains
    self.accountLinking = accountLinking
    self.deletion = deletion
  }

  /// The built-in role of administrators.
  public static let adminRole = "admin"
  /// The roles of every workspace.
  public static let builtInRoles = [adminRole, "editor", "viewer"]

  /// All roles, built-in ones first.
  public var roles: [String] { Self.builtInRoles + customRoles }

  /// The role with this name, compared by comparison key; `nil` if there is none.
  public func role(named name: String) -> String? {
    let key = ComparisonKey(name)
    return roles.first { ComparisonKey($0) == key }
  }

  /// The first unmet requirement for SCIM; `nil` if SCIM can be used.
  public var scimObstacle: SCIMObstacle? {
    if plan != .enterprise { return .plan }
    if !samlSSO { return .samlSSO }
    if !scimEnabled { return .optIn }
    return nil
  }

  /// The plans of the product.
  public enum Plan: String, Sendable, Hashable, Codable, CaseIterable {
    /// The plans, from smallest to largest.
    case free, team, business, enterprise
  }

  /// A requirement for SCIM that the workspace does not meet.
  public enum SCIMObstacle: Sendable, Hashable, CaseIterable {
    /// The plan is not `enterprise`, SAML SSO is off, or the workspace has not opted in.
    case plan, samlSSO, optIn
  }

  /// How deviations of an identity provider from the RFCs are normalised.
  public enum ConnectionProfile: String, Sendable, Hashable, Codable, CaseIterable {
    /// `auto` detects the sender; `strict` normalises nothing.
    case auto, okta, entra, onelogin, strict
  }

  /// Whether a POST may reuse the record of a disabled user.
  public enum RelinkPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// If the `userName` is the same, or both the `externalId` and the primary address.
    case samePerson = "same-person"
    /// Never: the POST is refused with 409, and an admin decides.
    case never
  }

  /// What happens if a group gets the name of another group.
  public enum DuplicateGroupNames: String, Sendable, Hashable, Codable, CaseIterable {
    /// The request is refused with 409. Groups that already share a name keep it.
    case reject
    /// Both groups have the name and differ in their ids only.
    case allow
  }
}

extension WorkspaceSettings {
  /// Decodes the JSON form. Members that were added later may be missing in stored settings and have their defaults.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      slug: try container.decode(String.self, forKey: .slug), name: try container.decode(String.self, forKey: .name),
      plan: try container.decode(Plan.self, forKey: .plan), samlSSO: try container.decode(Bool.self, forKey: .samlSSO),
      scimEnabled: try container.decode(Bool.self, forKey: .scimEnabled),
      signInURL: try container.decode(String.self, forKey: .signInURL),
      customRoles: try container.decode([String].self, forKey: .customRoles),
      defaultRole: try container.decode(String.self, forKey: .defaultRole),
      roleAttribute: try container.decode(String.self, forKey: .roleAttribute),
      connectionProfile: try container.decode(ConnectionProfile.self, forKey: .connectionProfile),
      extensions: try container.decodeIfPresent([SchemaExtension].self, forKey: .extensions) ?? [],
      customDomains: try container.decodeIfPresent([String].self, forKey: .customDomains) ?? [],
      invitations: try container.decodeIfPresent(InvitationPolicy.self, forKey: .invitations) ?? InvitationPolicy(),
      changeGuard: try container.decodeIfPresent(ChangeGuard.self, forKey: .changeGuard),
      seats: try container.decodeIfPresent(SeatLimit.self, forKey: .seats),
      adminLanguage: try container.decodeIfPresent(String.self, forKey: .adminLanguage),
      relink: try container.decodeIfPresent(RelinkPolicy.self, forKey: .relink) ?? .samePerson,
      duplicateGroupNames: try container.decodeIfPresent(DuplicateGroupNames.self, forKey: .duplicateGroupNames) ?? .reject,
      mailDomains: try container.decodeIfPresent([MailDomain].self, forKey: .mailDomains) ?? [],
      otherDomains: try container.decodeIfPresent(OtherDomains.self, forKey: .otherDomains) ?? .allow,
      accountLinking: try container.decodeIfPresent(AccountLinking.self, forKey: .accountLinking) ?? .verifiedAddress,
      deletion: try container.decodeIfPresent(ScheduledDeletion.self, forKey: .deletion))
  }
}
