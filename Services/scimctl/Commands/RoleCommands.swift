import ArgumentParser
import Models

/// `scimctl workspace role`, the commands for custom roles.
struct RoleCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "role", abstract: "Custom roles of a workspace, in addition to admin, editor and viewer.",
    subcommands: [AddRole.self, ListRoles.self, RemoveRole.self])
}

/// `scimctl workspace role add SLUG NAME`, which adds a role.
struct AddRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "add", abstract: "Add a custom role to a workspace.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The name of the role (case-insensitive).")
  var name: String

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings throws(ScimctlError) in try settings.adding(role: name) }
    print("Workspace \(slug) has the role \(PlainText.line(name))")
  }
}

/// `scimctl workspace role list SLUG`, which lists roles.
struct ListRoles: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the roles of a workspace: number of users, kind (built-in, own, default), name.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(named: slug)
      let roles = Self.roles(of: workspace.settings, users: try await administration.usersByRole(of: workspace))
      try output.print(roles, as: Self.table)
    }
  }

  /// A role of a workspace.
  struct Role: Sendable, Equatable, Encodable {
    var name: String
    var isBuiltIn: Bool
    var isDefault: Bool
    /// The number of users with the role.
    var users: Int
  }

  /// - Parameter users: The number of users for each role.
  static func roles(of settings: WorkspaceSettings, users: [String: Int]) -> [Role] {
    settings.roles.map { role in
      Role(
        name: role, isBuiltIn: WorkspaceSettings.builtInRoles.contains(role), isDefault: role == settings.defaultRole,
        users: users[role] ?? 0)
    }
  }

  /// One row per role.
  static func table(of roles: [Role]) -> Table {
    var table = Table("USERS", "KIND", "NAME")
    for role in roles {
      let kind = role.isBuiltIn ? "built-in" : "own"
      table.append(["\(role.users)", role.isDefault ? "\(kind),default" : kind, role.name])
    }
    return table
  }
}

/// `scimctl workspace role remove SLUG NAME`, which removes a role.
struct RemoveRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Remove a custom role that no user has and that is not the default.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The name of the role (case-insensitive).")
  var name: String

  func run() async throws {
    try await WorkspaceUpdate.apply(to: slug) { settings throws(ScimctlError) in try settings.removing(role: name) }
    print("Workspace \(slug) no longer has the role \(PlainText.line(name))")
  }
}

extension WorkspaceSettings {
  /// Returns the settings with a custom role added.
  ///
  /// - Throws: ``ScimctlError`` if the role is built in, or exists in another case.
  func adding(role name: String) throws(ScimctlError) -> WorkspaceSettings {
    if let known = role(named: name) {
      guard known == name, customRoles.contains(known) else {
        throw ScimctlError(.alreadyExists, "workspace \(slug) already has the role '\(known)'; roles are case-insensitive")
      }
      return self
    }
    var changed = self
    changed.customRoles.append(name)
    return changed
  }

  /// Returns the settings without a custom role. identity-store rejects the change if a user has the role.
  ///
  /// - Throws: ``ScimctlError`` if there is no such role, or it is built in.
  func removing(role name: String) throws(ScimctlError) -> WorkspaceSettings {
    guard let known = role(named: name) else {
      throw ScimctlError(.notFound, "workspace \(slug) has no role '\(name)'. 'scimctl workspace role list \(slug)' lists its roles")
    }
    guard let index = customRoles.firstIndex(of: known) else {
      throw ScimctlError(.rejected, "the role '\(known)' is built in and cannot be removed")
    }
    var changed = self
    changed.customRoles.remove(at: index)
    return changed
  }
}
