/// The schemas that hold in one workspace.
public struct ResourceSchemas: Sendable, Hashable {
  /// The name of the attribute that carries the product's role.
  public let roleAttribute: String
  public let user: ResourceSchema
  public let group: ResourceSchema

  /// - Parameters:
  ///   - roleAttribute: The name of the user attribute that carries the product's role. Where the standard schema has an attribute
  ///     of that name (`userType`, say) that one carries it.
  ///   - roles: The names of the roles that there are, which `/Schemas` shows.
  ///   - userExtensions: Schemas of the workspace's own beside that of the enterprise user; see
  ///     ``SchemaDefinition/checkAsExtension(of:)``.
  ///   - groupExtensions: Schemas of the workspace's own.
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

  /// The role attribute of a workspace that has not chosen another.
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

  /// The kinds of resources.
  public var all: [ResourceSchema] { [user, group] }
}
