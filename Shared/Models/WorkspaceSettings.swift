import Primitives

/// A customer's workspace, as the operator sets it up.
public struct WorkspaceSettings: Sendable, Hashable, Codable {
  /// Short name in URLs and commands, unique in the deployment: lower-case letters, digits and dashes.
  public var slug: String
  /// What people call it; stands in the invitation.
  public var name: String
  public var plan: Plan
  /// SAML SSO is enabled in the product.
  public var samlSSO: Bool
  /// The workspace has opted in to SCIM.
  public var scimEnabled: Bool
  /// Where people sign in; stands in the invitation.
  public var signInURL: String
  /// Roles beyond the built-in ones.
  public var customRoles: [String]
  /// The role of someone whose identity provider sends none.
  public var defaultRole: String
  /// The name of the SCIM attribute that carries the role.
  public var roleAttribute: String
  /// How the identity provider's dialect is read.
  public var connectionProfile: ConnectionProfile
  /// Attributes beyond those of the standard's schemas.
  public var extensions: [SchemaExtension]
  /// Host names of the workspace's own, in lower case, under which SCIM is reached beside the deployment's; each unique in the deployment.
  public var customDomains: [String]
  /// How its people are invited.
  public var invitations: InvitationPolicy
  /// Which changes of the identity provider wait for an admin's approval; nil: none does.
  public var changeGuard: ChangeGuard?
  /// The language of mails to its administrators (BCP 47), such as digests and those about held changes; nil: English.
  public var adminLanguage: String?
  /// What a POST of a user does that finds the record of someone who is disabled.
  public var relink: RelinkPolicy
  /// Whether two groups may have one name.
  public var duplicateGroupNames: DuplicateGroupNames

  public init(
    slug: String, name: String, plan: Plan, samlSSO: Bool, scimEnabled: Bool, signInURL: String, customRoles: [String] = [],
    defaultRole: String = "viewer", roleAttribute: String = "secodaRole", connectionProfile: ConnectionProfile = .auto,
    extensions: [SchemaExtension] = [], customDomains: [String] = [], invitations: InvitationPolicy = InvitationPolicy(),
    changeGuard: ChangeGuard? = nil, adminLanguage: String? = nil, relink: RelinkPolicy = .samePerson,
    duplicateGroupNames: DuplicateGroupNames = .reject
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
    self.adminLanguage = adminLanguage
    self.relink = relink
    self.duplicateGroupNames = duplicateGroupNames
  }

  /// The roles that every workspace has.
  public static let builtInRoles = ["admin", "editor", "viewer"]

  /// Every role of the workspace, built-in ones first.
  public var roles: [String] { Self.builtInRoles + customRoles }

  /// The workspace's role of that name, matched by its comparison key; nil where it has none.
  public func role(named name: String) -> String? {
    let key = ComparisonKey(name)
    return roles.first { ComparisonKey($0) == key }
  }

  /// The first thing that is missing before SCIM may be used; nil where nothing is.
  public var scimObstacle: SCIMObstacle? {
    if plan != .enterprise { return .plan }
    if !samlSSO { return .samlSSO }
    if !scimEnabled { return .optIn }
    return nil
  }

  public enum Plan: String, Sendable, Hashable, Codable, CaseIterable {
    case free, team, business, enterprise
  }

  /// What keeps a workspace from using SCIM.
  public enum SCIMObstacle: Sendable, Hashable, CaseIterable {
    case plan, samlSSO, optIn
  }

  public enum ConnectionProfile: String, Sendable, Hashable, Codable, CaseIterable {
    case auto, okta, entra, onelogin, strict
  }

  /// Whether a POST may reuse the record of a disabled user.
  public enum RelinkPolicy: String, Sendable, Hashable, Codable, CaseIterable {
    /// For a user with the same userName, or with the same externalId and the same primary address.
    case samePerson = "same-person"
    /// Never: the POST gets 409, and an admin decides.
    case never
  }

  /// What becomes of a group whose name another group has.
  public enum DuplicateGroupNames: String, Sendable, Hashable, Codable, CaseIterable {
    /// It gets 409. Groups that share a name already keep it.
    case reject
    /// Both have the name; only their ids tell them apart.
    case allow
  }
}

extension WorkspaceSettings {
  /// Settings that were stored before there were extensions, custom domains and a policy of invitations have none, or the default.
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
      adminLanguage: try container.decodeIfPresent(String.self, forKey: .adminLanguage),
      relink: try container.decodeIfPresent(RelinkPolicy.self, forKey: .relink) ?? .samePerson,
      duplicateGroupNames: try container.decodeIfPresent(DuplicateGroupNames.self, forKey: .duplicateGroupNames) ?? .reject)
  }
}
