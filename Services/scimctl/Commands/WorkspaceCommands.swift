import ArgumentParser
import Models

/// `scimctl workspace`, the commands for workspaces.
struct WorkspaceCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "workspace", abstract: "Workspaces and their settings.",
    subcommands: [
      CreateWorkspace.self, ShowWorkspace.self, ListWorkspaces.self, UpdateWorkspace.self, DomainCommands.self,
      MailDomainCommands.self, RoleCommands.self, ExtensionCommands.self, GuardCommands.self, ShowWorkspaceHealth.self,
      DeleteWorkspace.self, RestoreWorkspace.self, ListWorkspaceDeletions.self, ExportWorkspace.self, ImportWorkspace.self,
    ])
}

/// `scimctl workspace show SLUG`, which shows a workspace.
struct ShowWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a workspace, and whether it can use SCIM.")

  @Argument(help: "The workspace's slug.")
  var slug: String

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(named: slug)
      if output.json { OutputOption.print(try workspace.json()) } else { workspace.description.print() }
    }
  }
}

/// `scimctl workspace list`, which lists workspaces.
struct ListWorkspaces: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List workspaces: slug, plan, whether SCIM can be used, name, id.")

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      try output.print(try await administration.workspaces(), as: WorkspaceRow.table)
    }
  }
}

extension WorkspaceRow {
  /// One row per workspace.
  static func table(of workspaces: [WorkspaceRow]) -> Table {
    var table = Table("SLUG", "PLAN", "SCIM", "NAME", "ID")
    for workspace in workspaces {
      table.append([
        workspace.slug, workspace.plan, workspace.scim.map { $0.isAvailable ? "scim" : "no-scim" }, workspace.name, "\(workspace.id)",
      ])
    }
    return table
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
    if let deletion = settings.deletion { table.append(["suspended", "deleted at \(Timestamp.text(deletion.dueAt))"]) }
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
