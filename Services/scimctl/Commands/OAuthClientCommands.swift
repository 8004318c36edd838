import ArgumentParser
import Credentials
import Foundation
import Models

/// `scimctl oauth-client`, the commands for OAuth clients.
struct OAuthClientCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "oauth-client",
    abstract: "OAuth clients of a workspace, for identity providers that get short-lived access tokens with client credentials.",
    subcommands: [CreateClient.self, ListClients.self, ShowClient.self, RotateSecret.self, RevokeClient.self])
}

/// `scimctl oauth-client create`, which creates a client.
struct CreateClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Create an OAuth client and print its id and secret. The secret is not stored and cannot be shown again.",
    discussion: "The token endpoint is /api/v2/oauth/token, on the host of the SCIM URL.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var grant: GrantOptions

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (slug, client, secret) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let secret = ClientSecret.made(for: workspace.id)
      let grant = grant.grant(.client, secret: secret.text, at: .now)
      try await withCommandClient(settings, pool: pool) { try await $0.execute(.issueToken(grant), in: workspace.id) }
      return (workspace.settings.slug, grant.token, secret)
    }
    var table = Table()
    table.append(["client-id", "\(client)"])
    table.append(["client-secret", secret.text])
    table.print()
    StandardError.print("Workspace \(slug): OAuth client \(client) created")
  }
}

/// `scimctl oauth-client list`, which lists clients.
struct ListClients: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List OAuth clients: id, status, scopes, created, last used, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws { try await StoredTokens.list(.client, of: .workspace(workspace)).print() }
}

/// `scimctl oauth-client show ID`, which shows a client.
struct ShowClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show an OAuth client and its uses: day, address, number of uses, last use.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the client; see 'scimctl oauth-client list'.")
  var id: TokenID

  func run() async throws { try await StoredTokens.show(id, .client, of: .workspace(workspace)) }
}

/// `scimctl oauth-client rotate-secret ID`, which replaces the secret of a client.
struct RotateSecret: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate-secret", abstract: "Replace the secret of an OAuth client and print the new one. It cannot be shown again.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the client; see 'scimctl oauth-client list'.")
  var id: TokenID

  @Option(help: ArgumentHelp("How long the old secret stays valid. (default: 1d)", valueName: "time"))
  var grace: DurationArgument?

  @Flag(help: "Invalidate the old secret immediately.")
  var atOnce = false

  private static let defaultGrace: TimeInterval = 86_400

  func validate() throws {
    if atOnce, grace != nil { throw ValidationError("--grace and --at-once exclude each other.") }
  }

  /// The command for identity-store, which contains only the digest of the secret.
  func rotation(to secret: ClientSecret, at time: Date) -> SecretRotation {
    SecretRotation(
      client: id, digest: SecretDigest.hex(of: secret.text), formerUntil: atOnce ? nil : time + (grace?.interval ?? Self.defaultGrace))
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let (slug, secret) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let secret = ClientSecret.made(for: workspace.id)
      let rotation = self.rotation(to: secret, at: .now)
      try await withCommandClient(settings, pool: pool) { try await $0.execute(.rotateSecret(rotation), in: workspace.id) }
      return (workspace.settings.slug, secret)
    }
    print(secret.text)
    StandardError.print("Workspace \(slug): OAuth client \(id) has a new secret")
  }
}

/// `scimctl oauth-client revoke ID`, which revokes a client.
struct RevokeClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke", abstract: "Revoke an OAuth client and, within a second, all of its access tokens.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the client; see 'scimctl oauth-client list'.")
  var id: TokenID

  func run() async throws {
    let title = try await StoredTokens.revoke(id, .client, of: .workspace(workspace))
    print("\(title): OAuth client \(id) revoked")
  }
}
