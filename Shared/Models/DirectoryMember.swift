/// A person in the product's directory: the `member` of a ``DirectoryEvent``.
///
/// An event of the member has the complete state. A membership event, and every event of a deleted member, has ids and version only.
public struct DirectoryMember: Sendable, Hashable, Codable {
  /// The SCIM id.
  public var id: UserID
  /// The identifier that the identity provider uses.
  public var externalID: String?
  /// The id of the product's own account that is linked to the member.
  public var accountID: String?
  /// The `userName` as sent.
  public var userName: String?
  /// The address for mail.
  public var email: String?
  /// The `displayName`, or else the formatted name.
  public var displayName: String?
  /// The `name.givenName`.
  public var givenName: String?
  /// The `name.familyName`.
  public var familyName: String?
  /// The role in the product.
  public var role: String?
  /// Invited, active or disabled; `nil` if the event does not carry the complete state.
  public var state: UserState?
  /// The `title`.
  public var title: String?
  /// The department of the enterprise extension.
  public var department: String?
  /// The manager of the enterprise extension.
  public var manager: ManagerReference?
  /// The custom attributes of the workspace: an object for each schema extension, by URN.
  public var attributes: [String: JSONValue]?
  /// The version of the member that the event reflects.
  public var version: Int64

  /// Creates a member; without the optional attributes, only the ids and the version.
  public init(
    id: UserID, externalID: String? = nil, accountID: String? = nil, userName: String? = nil, email: String? = nil,
    displayName: String? = nil, givenName: String? = nil, familyName: String? = nil, role: String? = nil, state: UserState? = nil,
    title: String? = nil, department: String? = nil, manager: ManagerReference? = nil, attributes: [String: JSONValue]? = nil,
    version: Int64
  ) {
    self.id = id
    self.externalID = externalID
    self.accountID = accountID
    self.userName = userName
    self.email = email
    self.displayName = displayName
    self.givenName = givenName
    self.familyName = familyName
    self.role = role
    self.state = state
    self.title = title
    self.department = department
    self.manager = manager
    self.attributes = attributes
    self.version = version
  }

  enum CodingKeys: String, CodingKey {
    case id, userName, email, displayName, givenName, familyName, role, state, title, department, manager, attributes, version
    case externalID = "externalId"
    case accountID = "accountId"
  }
}

/// A person's manager, as the enterprise extension of SCIM has it (RFC 7643 §4.3).
public struct ManagerReference: Sendable, Hashable, Codable {
  /// The identifier of the manager, as the identity provider sent it: usually the SCIM id of a user.
  public var value: String?
  /// The name of the manager.
  public var displayName: String?

  /// Creates a reference.
  public init(value: String? = nil, displayName: String? = nil) {
    self.value = value
    self.displayName = displayName
  }
}
