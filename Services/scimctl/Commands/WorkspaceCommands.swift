import ArgumentParser
import Models

/// `scimctl workspace`, the commands for workspaces.
struct WorkspaceCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workspace", abstract: "Workspaces and their settings.",
    subcommands: [
      CreateWorkspace.self, ShowWorkspace.self, ListWorkspaces.self, UpdateWorkspace.self, DomainCommands.self, RoleCommands.self,
      ExtensionCommands.self, GuardCommands.self,
    ])
}

/// `scimctl workspace show SLUG`, which shows a workspace.
struct ShowWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a workspace, and whether it can use SCIM.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    let settings = try await Settings.forReading()
    let workspace = try await withDatabase(settings) { try await StoredWorkspace.named(slug, on: $0) }
    workspace.description.print()
  }
}

/// `scimctl workspace list`, which lists workspaces.
struct ListWorkspaces: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List workspaces: slug, plan, whether SCIM can be used, name, id.")

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      var table = Table()
      for row in try await pool.query(WorkspaceQueries.workspaces) {
        let workspace: WorkspaceSettings = try JSONData.decode(from: row.bytes(2), type: "workspace settings")
        table.append([
          try row.string(0), workspace.plan.rawValue, workspace.scimObstacle == nil ? "scim" : "no-scim", workspace.name,
          "\(WorkspaceID(try row.uuid(1)))",
        ])
      }
      return table
    }
    table.print()
  }
}

extension StoredWorkspace {
  /// The settings, one property per line.
  var description: Table {
    var table = Table()
    table.append(["slug", settings.slug])
    table.append(["id", "\(id)"])
    table.append(["name", settings.name])
    table.append(["plan", settings.plan.rawValue])
    table.append(["saml-sso", settings.samlSSO ? "yes" : "no"])
    table.append(["scim", scimDescription])
    table.append(["sign-in-url", settings.signInURL])
    table.append(["roles", settings.roles.joined(separator: ", ")])
    table.append(["default-role", settings.defaultRole])
    table.append(["role-attribute", settings.roleAttribute])
    table.append(["profile", settings.connectionProfile.rawValue])
    table.append(["relink", settings.relink.rawValue])
    table.append(["duplicate-group-names", settings.duplicateGroupNames.rawValue])
    table.append(["seats", settings.seats.map { "\($0.limit), policy \($0.policy.rawValue)" } ?? "any number"])
    for domain in settings.customDomains { table.append(["domain", domain]) }
    for domain in settings.mailDomains { table.append(["mail-domain", domain.domain + (domain.verifiedAt == nil ? ", pending" : "")]) }
    table.append(["other-domains", settings.otherDomains.rawValue])
    table.append(["account-linking", settings.accountLinking.rawValue])
    let invitations = settings.invitations
    table.append(["invitations", invitations.sending.description])
    table.append([
      "reminders",
      invitations.reminderDays.isEmpty ? "none" : "after \(invitations.reminderDays.map(String.init).joined(separator: ", ")) days",
    ])
    table.append(["invitation-expiry", invitations.expiryDays.map { "\($0) days" } ?? "never"])
    table.append(["admin-language", settings.adminLanguage ?? "en"])
    for schemaExtension in settings.extensions { table.append(["extension", schemaExtension.id]) }
    return table
  }

  private var scimDescription: String {
    switch settings.scimObstacle {
    case nil: "enabled"
    case .plan: "not usable: the plan is not enterprise"
    case .samlSSO: "not usable: SAML SSO is not enabled"
    case .optIn: "not enabled"
    }
  }
}

extension InvitationPolicy.Sending {
  fileprivate var description: String {
    switch self {
    case .immediately: "immediately"
    case .delayed(let seconds): "delayed by \(seconds) seconds"
    case .digest(let address): "digest to \(address)"
    case .none: "none"
    }
  }
}
