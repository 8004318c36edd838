import ArgumentParser
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
    let wanted = grant.wanted(at: .now)
    try await withAdministration { administration in
      let owner = TokenOwner(try await administration.workspace(workspace))
      let issued = try await administration.issue(wanted, .client, for: owner)
      var table = Table()
      table.append(["client-id", "\(issued.id)"])
      table.append(["client-secret", issued.secret])
      table.print()
      StandardError.print("\(owner.title): OAuth client \(issued.id) created")
    }
  }
}

/// `scimctl oauth-client list`, which lists clients.
struct ListClients: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List OAuth clients: id, status, scopes, created, last used, name.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let owner = TokenOwner(try await administration.workspace(workspace))
      try output.print(try await administration.tokens(.client, of: owner), as: TokenRow.table)
    }
  }
}

/// `scimctl oauth-client show ID`, which shows a client.
struct ShowClient: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show an OAuth client and its uses: day, address, number of uses, last use.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the client; see 'scimctl oauth-client list'.")
  var id: TokenID

  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let owner = TokenOwner(try await administration.workspace(workspace))
      try await administration.existingToken(id, .client, of: owner).print(output)
    }
  }
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

  /// When the old secret expires; nil for at once.
  func formerUntil(at time: Date) -> Date? { atOnce ? nil : time + (grace?.interval ?? Self.defaultGrace) }

  func run() async throws {
    let formerUntil = formerUntil(at: .now)
    try await withAdministration { administration in
      let owner = TokenOwner(try await administration.workspace(workspace))
      let issued = try await administration.rotateSecret(of: id, formerUntil: formerUntil, in: owner)
      print(issued.secret)
      StandardError.print("\(owner.title): OAuth client \(id) has a new secret")
    }
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
    try await withAdministration { administration in
      let owner = TokenOwner(try await administration.workspace(workspace))
      try await administration.revoke(id, .client, of: owner)
      print("\(owner.title): OAuth client \(id) revoked")
    }
  }
}
