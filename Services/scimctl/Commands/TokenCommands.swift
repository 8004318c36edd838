import ArgumentParser
import Crypto
import Foundation
import Models

/// `scimctl token …`
struct TokenCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "API access tokens of a workspace.",
    subcommands: [IssueToken.self, ListTokens.self, RevokeToken.self])
}

/// `scimctl token issue …`
struct IssueToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "issue", abstract: "Make an API access token and print it, once: it is stored nowhere.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "What the token is for; people see it in lists.")
  var name: String

  @Option(
    name: .customLong("scope"),
    help: ArgumentHelp("What it may be used for: scim, sign-ins, admin or directory. May be repeated.", valueName: "scope"))
  var scopes: [TokenScope]

  @Option(help: ArgumentHelp("How long it is good, for example 90d, 12h or 1y. (default: for ever)", valueName: "time"))
  var expiresIn: Lifetime?

  func validate() throws {
    if scopes.isEmpty { throw ValidationError("A token needs at least one --scope: scim, sign-ins, admin or directory.") }
  }

  /// What identity-store is told of `token`: not its text, but that text's SHA-256.
  func grant(of token: AccessToken, at time: Date) -> TokenGrant {
    TokenGrant(
      token: .made(at: time), name: name, scopes: Set(scopes), digest: SHA256.hash(data: Data(token.text.utf8)).hexadecimal,
      expiresAt: expiresIn.map { time + $0.interval })
  }

  func run() async throws {
    let settings = try await Settings.forWriting()
    let token = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let token = AccessToken.made(for: workspace.id)
      try await StoreConversation(settings, pool: pool).carryOut(.issueToken(grant(of: token, at: .now)), in: workspace.id)
      return token
    }
    print(token.text)
  }
}

/// `scimctl token list`
struct ListTokens: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List tokens: id, standing, scopes, when made, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(Queries.tokens, [.uuid(workspace.id.uuid)]) {
        table.append([
          "\(TokenID(try row.uuid(0)))",
          Self.standing(expiresAt: try row.optionalTimestamp(4), revokedAt: try row.optionalTimestamp(5), now: .now),
          try row.textArray(2).joined(separator: ","), Timestamp.text(try row.timestamp(3)), try row.string(1),
        ])
      }
      return table
    }
    table.print()
  }

  static func standing(expiresAt: Date?, revokedAt: Date?, now: Date) -> String {
    if revokedAt != nil { return "revoked" }
    if let expiresAt, expiresAt <= now { return "expired" }
    return "good"
  }
}

/// `scimctl token revoke ID`
struct RevokeToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Make a token good for nothing.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The token's id, as 'scimctl token list' shows it.", transform: tokenID)
  var id: TokenID

  func run() async throws {
    let settings = try await Settings.forWriting()
    try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      try await StoreConversation(settings, pool: pool).carryOut(.revokeToken(TokenRevocation(token: id)), in: workspace.id)
    }
    print("Token \(id) revoked")
  }

  @Sendable private static func tokenID(_ text: String) throws -> TokenID {
    guard let id = TokenID(text) else { throw ValidationError("'\(text)' is no token id; 'scimctl token list' shows them.") }
    return id
  }
}

extension TokenScope: ExpressibleByArgument {}

extension SHA256Digest {
  fileprivate var hexadecimal: String {
    map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}
