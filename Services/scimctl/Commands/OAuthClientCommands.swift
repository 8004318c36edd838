import ArgumentParser
import Credentials
import Foundation
import Models

/// `scimctl oauth-client …`
struct OAuthClientCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "oauth-client",
    abstract: "OAuth clients of a workspace: for identity providers that get short-lived access tokens by client credentials.",
    subcommands: [CreateClient.self, ListClients.self, ShowClient.self, RotateSecret.self, RevokeClient.self])
}

/// `scimctl oauth-client create …`
struct CreateClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make an OAuth client and print its id and its secret, once: the secret is stored nowhere.",
    discussion: "The token endpoint is /api/v2/oauth/token, on the host that SCIM is reached at.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var grant: GrantOptions

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (slug, client, secret) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let secret = ClientSecret.made(for: workspace.id)
      let grant = grant.grant(.client, secret: secret.text, at: .now)
      try await CommandClient(settings, pool: pool).carryOut(.issueToken(grant), in: workspace.id)
      return (workspace.settings.slug, grant.token, secret)
    }
    var table = Table()
    table.append(["client-id", "\(client)"])
    table.append(["client-secret", secret.text])
    table.print()
    StandardError.print("Workspace \(slug): OAuth client \(client) made")
  }
}

/// `scimctl oauth-client list`
struct ListClients: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List OAuth clients: id, standing, scopes, when made, when last used, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws { try await TokenTables.list(.client, in: workspace).print() }
}

/// `scimctl oauth-client show ID`
struct ShowClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show an OAuth client, and from where it was used day by day: day, address, how often, when last.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The client's id, as 'scimctl oauth-client list' shows it.")
  var id: TokenID

  func run() async throws { try await TokenTables.show(id, .client, in: workspace) }
}

/// `scimctl oauth-client rotate-secret ID`
struct RotateSecret: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate-secret", abstract: "Give an OAuth client a new secret and print it, once.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The client's id, as 'scimctl oauth-client list' shows it.")
  var id: TokenID

  @Option(help: ArgumentHelp("How long the secret before it stays good beside it. (default: 1d)", valueName: "time"))
  var grace: Lifetime?

  @Flag(help: "Make the secret before it good for nothing at once.")
  var atOnce = false

  private static let defaultGrace: TimeInterval = 86_400

  func validate() throws {
    if atOnce, grace != nil { throw ValidationError("--grace and --at-once say opposite things.") }
  }

  func rotation(to secret: ClientSecret, at time: Date) -> SecretRotation {
    SecretRotation(
      client: id, digest: SecretDigest.hex(of: secret.text), formerUntil: atOnce ? nil : time + (grace?.interval ?? Self.defaultGrace))
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (slug, secret) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let secret = ClientSecret.made(for: workspace.id)
      try await CommandClient(settings, pool: pool).carryOut(.rotateSecret(rotation(to: secret, at: .now)), in: workspace.id)
      return (workspace.settings.slug, secret)
    }
    print(secret.text)
    StandardError.print("Workspace \(slug): OAuth client \(id) has a new secret")
  }
}

/// `scimctl oauth-client revoke ID`
struct RevokeClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Make an OAuth client good for nothing, and within a second every access token that it has.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The client's id, as 'scimctl oauth-client list' shows it.")
  var id: TokenID

  func run() async throws {
    let slug = try await TokenTables.revoke(id, .client, in: workspace)
    print("Workspace \(slug): OAuth client \(id) revoked")
  }
}
