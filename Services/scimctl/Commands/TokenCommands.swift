import ArgumentParser
import Credentials
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
      servers can read it.
      """)

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption
  @OptionGroup var grant: GrantOptions

  @Flag(help: "Use the database and Kafka instead of the management API, as for the first deployment-wide token. (default)")
  var direct = false

  func validate() throws {
    try deployment.validate(with: workspace)
    let others = Set(grant.scopes).subtracting(TokenScope.deploymentWide)
    if deployment.isGiven, !others.isEmpty {
      throw ValidationError("A deployment-wide token cannot have the scope scim: an identity provider belongs to one workspace.")
    }
  }

  /// The token as identity-store stores it: only the SHA-256 of its text.
  func grant(of token: AccessToken, at time: Date) -> TokenGrant {
    grant.grant(.token, secret: token.text, at: time)
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (title, id, token) = try await withDatabase(settings) { pool in
      let owner = try await deployment.owner(or: workspace).resolve(settings, on: pool)
      let token = AccessToken.made(for: owner.id)
      let grant = self.grant(of: token, at: .now)
      try await withCommandClient(settings, pool: pool) { try await $0.execute(.issueToken(grant), in: owner.id) }
      return (owner.title, grant.token, token)
    }
    print(token.text)
    StandardError.print("\(title): token \(id) created")
  }
}

/// `scimctl token list`, which lists tokens.
struct ListTokens: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tokens: id, status, scopes, created, last used, name.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption

  func validate() throws { try deployment.validate(with: workspace) }

  func run() async throws { try await StoredTokens.list(.token, of: deployment.owner(or: workspace)).print() }
}

/// `scimctl token show ID`, which shows a token.
struct ShowToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a token and its uses: day, address, number of uses, last use.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var deployment: DeploymentOption

  @Argument(help: "The id of the token; see 'scimctl token list'.")
  var id: TokenID

  func validate() throws { try deployment.validate(with: workspace) }

  func run() async throws { try await StoredTokens.show(id, .token, of: deployment.owner(or: workspace)) }
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

  /// The command for identity-store, which contains only the digest of the token.
  func rotation(to token: AccessToken, at time: Date) -> TokenRotation {
    TokenRotation(
      token: id, successor: .made(at: time), digest: SecretDigest.hex(of: token.text), retiresAt: grace.map { time + $0.interval },
      expiresAt: expiresIn.map { time + $0.interval })
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (title, successor, token) = try await withDatabase(settings) { pool in
      let owner = try await deployment.owner(or: workspace).resolve(settings, on: pool)
      let token = AccessToken.made(for: owner.id)
      let rotation = self.rotation(to: token, at: .now)
      try await withCommandClient(settings, pool: pool) { try await $0.execute(.rotateToken(rotation), in: owner.id) }
      return (owner.title, rotation.successor, token)
    }
    print(token.text)
    StandardError.print("\(title): token \(successor) created to replace \(id)")
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
    let title = try await StoredTokens.revoke(id, .token, of: deployment.owner(or: workspace))
    print("\(title): token \(id) revoked")
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

  /// The token as identity-store stores it, with the digest of `secret`.
  func grant(_ kind: TokenKind, secret: String, at time: Date) -> TokenGrant {
    TokenGrant(
      token: .made(at: time), kind: kind, name: name, scopes: Set(scopes), digest: SecretDigest.hex(of: secret),
      expiresAt: expiresIn.map { time + $0.interval })
  }
}

extension TokenScope: ExpressibleByArgument {}

extension TokenID: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
