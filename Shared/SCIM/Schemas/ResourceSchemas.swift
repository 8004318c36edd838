/// The schemas of a workspace.
public struct ResourceSchemas: Sendable, Hashable {
  /// The name of the user attribute that contains the product role.
  public let roleAttribute: String
  /// The schema of users.
  public let user: ResourceSchema
  /// The schema of groups.
  public let group: ResourceSchema

  /// Creates the schemas of a workspace.
  ///
  /// - Parameters:
  ///   - roleAttribute: The name of the user attribute that contains the product role. It may be a standard attribute such as `userType`.
  ///   - roles: The names of the roles, which `/Schemas` lists as canonical values.
  ///   - userExtensions: User extensions in addition to Enterprise User; see ``SchemaDefinition/checkAsExtension(of:)``.
  ///   - groupExtensions: Group extensions.
  public init(
    roleAttribute: String = Self.standardRoleAttribute, roles: [String] = [], userExtensions: [SchemaDefinition] = [],
    groupExtensions: [SchemaDefinition] = []
  ) {
    if roleAttribute == Self.standardRoleAttribute, roles.isEmpty, userExtensions.isEmpty, groupExtensions.isEmpty {
      self = .standard
    } else {
      self.init(role: roleAttribute, roles: roles, userExtensions, groupExtensions)
    }
  }

  /// The default name of the role attribute.
  public static let standardRoleAttribute = "secodaRole"

  private static let standard = ResourceSchemas(role: standardRoleAttribute, roles: [], [], [])

  private init(
    role: String, roles: [String], _ userExtensions: [SchemaDefinition], _ groupExtensions: [SchemaDefinition]
  ) {
    let taken =
      SchemaDefinition.user.attribute(named: role) ?? CommonAttributes.leading.first { AttributeName.equal($0.name, role) }
    self.roleAttribute = taken?.name ?? role
    self.user = ResourceSchema(
      name: "User", endpoint: "/Users", description: "User Account",
      core: taken == nil ? .user.adding(.role(named: role, among: roles)) : .user, extensions: [.enterpriseUser] + userExtensions,
      roleAttribute: roleAttribute)
    self.group = ResourceSchema(
      name: "Group", endpoint: "/Groups", description: "Group", core: .group, extensions: groupExtensions)
  }

  /// The schemas of all resource types.
  public var all: [ResourceSchema] { [user, group] }
}
