import ArgumentParser
import Models

/// `scimctl workspace role …`
struct RoleCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "role", abstract: "Roles of a workspace's own, beyond admin, editor and viewer.",
    subcommands: [AddRole.self, ListRoles.self, RemoveRole.self])
}

/// `scimctl workspace role add SLUG NAME`
struct AddRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "add", abstract: "Give a workspace a role.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The role's name, compared without case.")
  var name: String

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings throws(Failure) in try settings.adding(role: name) }
    print("Workspace \(slug) has the role \(PlainText.line(name))")
  }
}

/// `scimctl workspace role list SLUG`
struct ListRoles: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List a workspace's roles: how many users have it, whether it is built in, own or the default, name.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await KnownWorkspace.named(slug, on: pool)
      var users: [String: Int] = [:]
      for row in try await pool.query(Queries.usersByRole, [.uuid(workspace.id.uuid)]) { users[try row.string(0)] = try row.int(1) }
      return Self.table(of: workspace.settings, users: users)
    }
    table.print()
  }

  static func table(of settings: WorkspaceSettings, users: [String: Int]) -> Table {
    var table = Table()
    for role in settings.roles {
      let sort = WorkspaceSettings.builtInRoles.contains(role) ? "built-in" : "own"
      table.append(["\(users[role] ?? 0)", role == settings.defaultRole ? "\(sort),default" : sort, role])
    }
    return table
  }
}

/// `scimctl workspace role remove SLUG NAME`
struct RemoveRole: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Take a role from a workspace, one that nobody has and that is not the default.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @Argument(help: "The role's name, compared without case.")
  var name: String

  func run() async throws {
    try await WorkspaceChange.carryOut(on: slug) { settings throws(Failure) in try settings.removing(role: name) }
    print("Workspace \(slug) has the role \(PlainText.line(name)) no more")
  }
}

extension WorkspaceSettings {
  /// The same settings with a role of that name.
  ///
  /// - Throws: ``Failure`` where they have one in another case, or every workspace has it.
  func adding(role name: String) throws(Failure) -> WorkspaceSettings {
    if let known = role(named: name) {
      guard known == name, customRoles.contains(known) else {
        throw Failure(.alreadyThere, "workspace \(slug) has the role '\(known)' already; roles are compared without case")
      }
      return self
    }
    var changed = self
    changed.customRoles.append(name)
    return changed
  }

  /// The same settings without that role. Whether somebody has it is for identity-store to say.
  func removing(role name: String) throws(Failure) -> WorkspaceSettings {
    guard let known = role(named: name) else {
      throw Failure(.notFound, "workspace \(slug) has no role '\(name)'. 'scimctl workspace role list \(slug)' shows those it has")
    }
    guard let index = customRoles.firstIndex(of: known) else {
      throw Failure(.refused, "the role '\(known)' is one that every workspace has, and stays")
    }
    var changed = self
    changed.customRoles.remove(at: index)
    return changed
  }
}
