import ArgumentParser
import Credentials
import Foundation
import Models
import Postgres
import ServiceKit

/// `scimctl console`, the commands for the admin console.
struct ConsoleCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "Sign-in links and sessions of the admin console.",
    subcommands: [CreateConsoleLink.self, ListConsoleSessions.self, EndConsoleSession.self])
}

/// `scimctl console link`, which creates a sign-in link.
struct CreateConsoleLink: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Create and print a link that signs one person in to the console, once.",
    discussion: """
      The link points to the host of --url, else to the workspace's custom domain, else to the host of ROLLCALL_HTTP_PUBLIC_URL or \
      ROLLCALL_SCIM_URL. Treat it like a password until it is used: send it only to the person it is for.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: ArgumentHelp("How long the link is valid, at most 1d. (default: 10m)", valueName: "time"))
  var expiresIn: DurationArgument?

  @Option(name: .customLong("for"), help: "The person's name in the audit trail. (default: your name)")
  var person: String?

  @Option(help: "Scheme and host of the console, such as https://app.example.com.")
  var url: String?

  private static let defaultLifetime: TimeInterval = 600

  /// The link as identity-store stores it: only the digest of its key.
  ///
  /// - Parameter operator: The name of the operator, for a link without `--for`.
  func grant(of key: LinkKey, at time: Date, operator: String) -> TokenGrant {
    TokenGrant(
      token: .made(at: time), kind: .link, name: person ?? `operator`, scopes: [.admin],
      digest: SecretDigest.hex(of: key.text), expiresAt: time + (expiresIn?.interval ?? Self.defaultLifetime))
  }

  func run() async throws {
    let settings = try await Settings.forConsoleLinks()
    let (slug, link, grant) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let host = try ConsoleHost(
        option: url, domains: workspace.settings.customDomains,
        configured: [settings.optionalString(.publicURL), settings.optionalString(.scimURL)])
      let key = LinkKey.made(for: workspace.id)
      let grant = self.grant(of: key, at: .now, operator: try Operator.name(settings))
      try await withCommandClient(settings, pool: pool) { try await $0.execute(.issueToken(grant), in: workspace.id) }
      return (workspace.settings.slug, "\(host.site)/console/link?key=\(key.text)", grant)
    }
    print(link)
    StandardError.print("Workspace \(slug): created a link for \(PlainText.line(grant.name))")
  }
}

/// The scheme and host of a workspace's console.
struct ConsoleHost: Sendable, Equatable {
  /// Scheme and authority, such as `https://app.example.com`.
  let site: String

  /// - Parameters:
  ///   - option: The value of `--url`.
  ///   - domains: The workspace's custom domains.
  ///   - configured: URLs of the deployment; the first valid one counts.
  /// - Throws: ``ScimctlError`` if the option is invalid, or nothing is set.
  init(option: String?, domains: [String], configured: [String?]) throws(ScimctlError) {
    if let option {
      guard let site = Self.site(of: option) else {
        throw ScimctlError(.usage, "--url must be a URL such as https://app.example.com, not '\(option.prefix(200))'")
      }
      self.site = site
      return
    }
    let own = configured.lazy.compactMap { $0.flatMap(Self.site) }.first
    if let domain = domains.first {
      // Custom domains use the same scheme as the deployment's host.
      site = "\(own?.hasPrefix("http:") == true ? "http" : "https")://\(domain)"
    } else if let own {
      site = own
    } else {
      throw ScimctlError(.usage, "the host of the console is not known. Use --url https://HOST, or set ROLLCALL_HTTP_PUBLIC_URL")
    }
  }

  private static func site(of text: String) -> String? {
    guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
      let host = url.host(percentEncoded: false), !host.isEmpty
    else { return nil }
    return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(url.port.map { ":\($0)" } ?? "")"
  }
}

/// `scimctl console sessions`, which lists sessions.
struct ListConsoleSessions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions", abstract: "List console sessions: id, start, expiry, opened with, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(TokenQueries.sessions, [.uuid(workspace.id.uuid)]) {
        table.append([
          "\(TokenID(try row.uuid(0)))", Timestamp.text(try row.timestamp(2)), try row.optionalTimestamp(3).map(Timestamp.text),
          try row.optionalString(4) ?? "proxy", try row.string(1),
        ])
      }
      return table
    }
    table.print()
  }
}

/// `scimctl console sign-out ID`, which ends a session.
struct EndConsoleSession: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-out", abstract: "End a console session, within a second on every replica of scim-api.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the session; see 'scimctl console sessions'.")
  var id: TokenID

  func run() async throws {
    let title = try await StoredTokens.revoke(id, .session, of: .workspace(workspace))
    print("\(title): session \(id) ended")
  }
}
