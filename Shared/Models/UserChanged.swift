import Foundation

/// The complete new state of a user.
public struct UserChanged: Sendable, Hashable, Codable {
  /// The workspace of the event.
  public var workspace: WorkspaceID
  /// The user after the change.
  public var user: UserSnapshot
  /// What happened.
  public var change: Change
  /// The version of the resource after the change, counted from 1.
  public var version: Int64
  /// When the change was made.
  public var changedAt: Date
  /// For a restatement of an invited user; `nil` for any other change.
  public var invitation: RestatedInvitation?
  /// The fields that are missing because the event was too large for its topic; see ``CloudEvent/withoutLargeFields()``.
  public var omitted: [String]?

  /// Creates the event.
  public init(
    workspace: WorkspaceID, user: UserSnapshot, change: Change, version: Int64, changedAt: Date, invitation: RestatedInvitation? = nil
  ) {
    self.workspace = workspace
    self.user = user
    self.change = change
    self.version = version
    self.changedAt = changedAt
    self.invitation = invitation
  }

  /// Tells a consumer that has no invitation of the person whether to create one.
  public struct RestatedInvitation: Sendable, Hashable, Codable {
    /// When the user was created, so the earliest time of the invitation.
    public var createdAt: Date
    /// Whether to create a missing invitation.
    public var missing: Restatement.Invitations

    /// Creates a restated invitation.
    public init(createdAt: Date, missing: Restatement.Invitations) {
      self.createdAt = createdAt
      self.missing = missing
    }
  }

  /// The cause of the new state.
  public enum Change: String, Sendable, Hashable, Codable, CaseIterable {
    /// Created: invited, active (after an earlier sign-in) or disabled, as the state says.
    case created
    /// The profile or the role changed, but not the state.
    case updated
    /// First sign-in: invited became active.
    case activated
    /// `active: false`.
    case disabled
    /// `active: true` again: invited (and to be mailed again) or active, as the state says.
    case enabled
    /// Deleted; the snapshot has the id only and no personal data.
    case deleted
    /// Published again on request, unchanged. Consumers apply it even if they hold the same version.
    case restated
  }
}

/// The state of a user in the product. SCIM's `active` is true for the first two.
public enum UserState: String, Codable, Sendable, Hashable, CaseIterable {
  /// Provisioned, but has not signed in.
  case invited
  /// Has signed in at least once.
  case active
  /// Disabled by the identity provider. Memberships are kept but not shown.
  case disabled

  /// The value of SCIM's `active` attribute.
  public var isActiveInSCIM: Bool { self != .disabled }
}

/// The state of a user that consumers need.
public struct UserSnapshot: Sendable, Hashable, Codable {
  /// The id of the user.
  public var id: UserID
  /// Invited, active or disabled.
  public var state: UserState
  /// The `userName` as sent.
  public var userName: String?
  /// The `displayName`, or else the formatted name.
  public var displayName: String?
  /// The `name.givenName`.
  public var givenName: String?
  /// The `name.familyName`.
  public var familyName: String?
  /// The primary address, or else the first one, or else a `userName` that is an address.
  public var email: String?
  /// BCP 47, from `preferredLanguage` or `locale`.
  public var language: String?
  /// The role in the product.
  public var role: String?
  /// When the person first signed in; `nil` if never.
  public var firstSignedInAt: Date?
  /// The identifier that the identity provider uses.
  public var externalID: String?
  /// The id of the product's own account that is linked to the user.
  public var accountID: String?
  /// The `title`.
  public var title: String?
  /// The department of the enterprise extension.
  public var department: String?
  /// The manager of the enterprise extension.
  public var manager: ManagerReference?
  /// The custom attributes of the workspace: an object for each schema extension, by URN; empty if there are none.
  ///
  /// `nil` for a deleted user, and in events of versions that published neither these nor the other attributes from ``externalID`` on.
  public var attributes: [String: JSONValue]?

  /// Creates a snapshot; a deleted user has the id only.
  public init(
    id: UserID, state: UserState, userName: String? = nil, displayName: String? = nil, givenName: String? = nil,
    familyName: String? = nil, email: String? = nil, language: String? = nil, role: String? = nil, firstSignedInAt: Date? = nil,
    externalID: String? = nil, accountID: String? = nil, title: String? = nil, department: String? = nil,
    manager: ManagerReference? = nil, attributes: [String: JSONValue]? = nil
  ) {
    self.id = id
    self.state = state
    self.userName = userName
    self.displayName = displayName
    self.givenName = givenName
    self.familyName = familyName
    self.email = email
    self.language = language
    self.role = role
    self.firstSignedInAt = firstSignedInAt
    self.externalID = externalID
    self.accountID = accountID
    self.title = title
    self.department = department
    self.manager = manager
    self.attributes = attributes
  }

  enum CodingKeys: String, CodingKey {
    case id, state, userName, displayName, givenName, familyName, email, language, role, firstSignedInAt, title, department, manager
    case attributes
    case externalID = "externalId"
    case accountID = "accountId"
  }
}
