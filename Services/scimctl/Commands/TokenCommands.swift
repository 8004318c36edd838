import ArgumentParser
import Credentials
import Foundation
import Models

/// `scimctl token …`
struct TokenCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "API access tokens of a workspace.",
    subcommands: [IssueToken.self, ListTokens.self, ShowToken.self, RotateToken.self, RevokeToken.self])
}

/// `scimctl token issue …`
struct IssueToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issue", abstract: "Make an API access token and print it, once: it is stored nowhere.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var grant: GrantOptions

  /// What identity-store is told of `token`: not its text, but that text's SHA-256.
  func grant(of token: AccessToken, at time: Date) -> TokenGrant {
    grant.grant(.token, secret: token.text, at: time)
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (slug, id, token) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let token = AccessToken.made(for: workspace.id)
      let grant = self.grant(of: token, at: .now)
      try await CommandClient(settings, pool: pool).carryOut(.issueToken(grant), in: workspace.id)
      return (workspace.settings.slug, grant.token, token)
    }
    print(token.text)
    StandardError.print("Workspace \(slug): token \(id) made")
  }
}

/// `scimctl token list`
struct ListTokens: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tokens: id, standing, scopes, when made, when last used, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws { try await TokenTables.list(.token, in: workspace).print() }
}

/// `scimctl token show ID`
struct ShowToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show a token, and from where it was used day by day: day, address, how often, when last.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The token's id, as 'scimctl token list' shows it.")
  var id: TokenID

  func run() async throws { try await TokenTables.show(id, .token, in: workspace) }
}

/// `scimctl token rotate ID`
struct RotateToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Make a second token of the same name and scopes, to take the place of the first, and print it, once.",
    discussion: """
      Enter the new token in the identity provider. 'scimctl token list' shows when the old one was last used: revoke it when that is over, \
      or let --grace do it.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The token's id, as 'scimctl token list' shows it.")
  var id: TokenID

  @Option(help: ArgumentHelp("How long the old token stays good, for example 7d. (default: until it is revoked)", valueName: "time"))
  var grace: Lifetime?

  @Option(help: ArgumentHelp("How long the new one is good, for example 90d. (default: for ever)", valueName: "time"))
  var expiresIn: Lifetime?

  func rotation(to token: AccessToken, at time: Date) -> TokenRotation {
    TokenRotation(
      token: id, successor: .made(at: time), digest: SecretDigest.hex(of: token.text), retiresAt: grace.map { time + $0.interval },
      expiresAt: expiresIn.map { time + $0.interval })
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (slug, successor, token) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let token = AccessToken.made(for: workspace.id)
      let rotation = self.rotation(to: token, at: .now)
      try await CommandClient(settings, pool: pool).carryOut(.rotateToken(rotation), in: workspace.id)
      return (workspace.settings.slug, rotation.successor, token)
    }
    print(token.text)
    StandardError.print("Workspace \(slug): token \(successor) made, to take the place of \(id)")
  }
}

/// `scimctl token revoke ID`
struct RevokeToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Make a token good for nothing.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The token's id, as 'scimctl token list' shows it.")
  var id: TokenID

  func run() async throws {
    let slug = try await TokenTables.revoke(id, .token, in: workspace)
    print("Workspace \(slug): token \(id) revoked")
  }
}

/// What a new token or OAuth client is to be.
struct GrantOptions: ParsableArguments {
  @Option(help: "What it is for; people see it in lists.")
  var name: String

  @Option(
    name: .customLong("scope"),
    help: ArgumentHelp("What it may be used for: scim, sign-ins, admin or directory. May be repeated.", valueName: "scope"))
  var scopes: [TokenScope]

  @Option(help: ArgumentHelp("How long it is good, for example 90d, 12h or 1y. (default: for ever)", valueName: "time"))
  var expiresIn: Lifetime?

  func validate() throws {
    if scopes.isEmpty { throw ValidationError("At least one --scope is needed: scim, sign-ins, admin or directory.") }
  }

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
