import ArgumentParser
import Foundation
import Models

/// `scimctl token`, the commands for API access tokens.
struct TokenCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "API access tokens of a workspace, and deployment-wide tokens.",
    subcommands: [IssueToken.self, ListTokens.self, ShowToken.self, RotateToken.self, RevokeToken.self])
}

/// `scimctl token issue`, which creates a token.
struct IssueToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issue", abstract: "Create and print an API access token. It is not stored and cannot be shown again.",
    discussion: """
      With --deployment, the token serves the product for all workspaces: the management API (scope admin), the directory, sign-ins and \
      events. Each request names its workspace in the path or in the header Rollcall-Workspace. Keep such a token where only the product's \
      servers can read it. The first one is issued with the database: scimctl token issue --deployment --direct …
      """)

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption
  @OptionGroup var grant: GrantOptions

  func validate() throws {
    try deployment.validate(with: workspace)
    let others = Set(grant.scopes).subtracting(TokenScope.deploymentWide)
    if deployment.isGiven, !others.isEmpty {
      throw ValidationError("A deployment-wide token cannot have the scope scim: an identity provider belongs to one workspace.")
    }
  }

  func run() async throws {
    let wanted = grant.wanted(at: .now)
    try await withAdministration { administration in
      let owner = try await deployment.owner(or: workspace).resolve(administration)
      let issued = try await administration.issue(wanted, .token, for: owner)
      print(issued.secret)
      StandardError.print("\(owner.title): token \(issued.id) created")
    }
  }
}

/// `scimctl token list`, which lists tokens.
struct ListTokens: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tokens: id, status, scopes, created, last used, name.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption
  @OptionGroup var output: OutputOption

  func validate() throws { try deployment.validate(with: workspace) }

  func run() async throws {
    try await withAdministration { administration in
      let owner = try await deployment.owner(or: workspace).resolve(administration)
      try output.print(try await administration.tokens(.token, of: owner), as: TokenRow.table)
    }
  }
}

/// `scimctl token show ID`, which shows a token.
struct ShowToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a token and its uses: day, address, number of uses, last use.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption
  @OptionGroup var output: OutputOption

  @Argument(help: "The id of the token; see 'scimctl token list'.")
  var id: TokenID

  func validate() throws { try deployment.validate(with: workspace) }

  func run() async throws {
    try await withAdministration { administration in
      let owner = try await deployment.owner(or: workspace).resolve(administration)
      try await administration.existingToken(id, .token, of: owner).print(output)
    }
  }
}

/// `scimctl token rotate ID`, which creates a token that replaces another one.
struct RotateToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Create and print a token with the same name and scopes, to replace another one.",
    discussion: """
      Enter the new token at the identity provider. 'scimctl token list' shows when the old one was last used: revoke it when it is no longer \
      used, or set --grace.
      """)

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption

  @Argument(help: "The id of the token; see 'scimctl token list'.")
  var id: TokenID

  @Option(help: ArgumentHelp("How long the old token stays valid, such as 7d. (default: until it is revoked)", valueName: "time"))
  var grace: DurationArgument?

  @Option(help: ArgumentHelp("How long the new token is valid, such as 90d. (default: forever)", valueName: "time"))
  var expiresIn: DurationArgument?

  func validate() throws { try deployment.validate(with: workspace) }

  /// The rotation that the options describe.
  func rotation(at time: Date) -> WantedRotation {
    WantedRotation(token: id, retiresAt: grace.map { time + $0.interval }, expiresAt: expiresIn.map { time + $0.interval })
  }

  func run() async throws {
    let rotation = rotation(at: .now)
    try await withAdministration { administration in
      let owner = try await deployment.owner(or: workspace).resolve(administration)
      let issued = try await administration.rotateToken(rotation, of: owner)
      print(issued.secret)
      StandardError.print("\(owner.title): token \(issued.id) created to replace \(id)")
    }
  }
}

/// `scimctl token revoke ID`, which revokes a token.
struct RevokeToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Revoke a token.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption

  @Argument(help: "The id of the token; see 'scimctl token list'.")
  var id: TokenID

  func validate() throws { try deployment.validate(with: workspace) }

  func run() async throws {
    try await withAdministration { administration in
      let owner = try await deployment.owner(or: workspace).resolve(administration)
      try await administration.revoke(id, .token, of: owner)
      print("\(owner.title): token \(id) revoked")
    }
  }
}

/// The options for a new token or OAuth client.
struct GrantOptions: ParsableArguments {
  @Option(help: "The name, which lists show.")
  var name: String

  @Option(
    name: .customLong("scope"),
    help: ArgumentHelp("The permission: scim, sign-ins, admin, directory or events. May be repeated.", valueName: "scope"))
  var scopes: [TokenScope]

  @Option(help: ArgumentHelp("How long it is valid, such as 90d, 12h or 1y. (default: forever)", valueName: "time"))
  var expiresIn: DurationArgument?

  func validate() throws {
    if scopes.isEmpty { throw ValidationError("At least one --scope is required: scim, sign-ins, admin, directory or events.") }
  }

  /// The token or client that the options describe.
  func wanted(at time: Date) -> WantedToken {
    WantedToken(name: name, scopes: Set(scopes), expiresAt: expiresIn.map { time + $0.interval })
  }
}

extension TokenRow {
  /// Prints the token and its uses.
  func print(_ output: OutputOption) throws {
    try output.print(self) { description }
    if !output.json { useTable.print() }
  }
}

extension TokenScope: ExpressibleByArgument {}

extension TokenID: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
