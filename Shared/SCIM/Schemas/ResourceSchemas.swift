/// The schemas that hold in one workspace.
public struct ResourceSchemas: Sendable, Hashable {
  /// The name of the attribute that carries the product's role.
  public let roleAttribute: String
  public let user: ResourceSchema
  public let group: ResourceSchema

  /// - Parameter roleAttribute: The name of the user attribute that carries the product's role. Where the standard schema
  ///   has an attribute of that name (`userType`, say) that one carries it.
  public init(roleAttribute: String = Self.standardRoleAttribute) {
    if roleAttribute == Self.standardRoleAttribute {
      self = .standard
    } else {
      self.init(carryingRoleIn: roleAttribute)
    }
  }

  /// The role attribute of a workspace that has not chosen another.
  public static let standardRoleAttribute = "secodaRole"

  private static let standard = ResourceSchemas(carryingRoleIn: standardRoleAttribute)

  private init(carryingRoleIn roleAttribute: String) {
    let taken =
      SchemaDefinition.user.attribute(named: roleAttribute)
      ?? CommonAttributes.leading.first { AttributeName.equal($0.name, roleAttribute) }
    self.roleAttribute = taken?.name ?? roleAttribute
    self.user = ResourceSchema(
      name: "User", endpoint: "/Users", description: "User Account",
      core: taken == nil ? .user.adding(.role(named: roleAttribute)) : .user, extensions: [.enterpriseUser])
    self.group = Self.groupSchema
  }

  private static let groupSchema = ResourceSchema(
    name: "Group", endpoint: "/Groups", description: "Group", core: .group, extensions: [])

  /// The kinds of resources.
  public var all: [ResourceSchema] { [user, group] }
}
