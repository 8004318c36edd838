import ArgumentParser
import Credentials
import Foundation
import Models
import Postgres
import ServiceKit

/// `scimctl console …`
struct ConsoleCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "Signing in to the admin console of a workspace, and who is signed in.",
    subcommands: [MakeLink.self, ListSessions.self, EndSession.self])
}

/// `scimctl console link`
struct MakeLink: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link", abstract: "Make a link that signs one person in to the console, once, and print it.",
    discussion: """
      The link leads to the workspace's own domain where it has one, else to the host of --url, ROLLCALL_HTTP_PUBLIC_URL or \
      ROLLCALL_SCIM_URL. Send it to nobody but whom it is for: it is a key until it is used.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: ArgumentHelp("How long it can be used, at most 1d. (default: 10m)", valueName: "time"))
  var expiresIn: Lifetime?

  @Option(name: .customLong("for"), help: "Whom it is for: what the audit trail calls them. (default: you)")
  var person: String?

  @Option(help: "Scheme and host of the console, https://app.example.com.")
  var url: String?

  private static let defaultLifetime: TimeInterval = 600

  /// - Parameter operator: whom it is for where nobody is named.
  func grant(of key: LinkKey, at time: Date, operator: String) -> TokenGrant {
    TokenGrant(
      token: .made(at: time), kind: .link, name: person ?? `operator`, scopes: [.admin],
      digest: SecretDigest.hex(of: key.text), expiresAt: time + (expiresIn?.interval ?? Self.defaultLifetime))
  }

  func run() async throws {
    let settings = try await Settings.forLinking()
    let (slug, link, grant) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let host = try ConsoleHost(
        option: url, domains: workspace.settings.customDomains,
        configured: [settings.optionalString(.publicURL), settings.optionalString(.scimURL)])
      let key = LinkKey.made(for: workspace.id)
      let grant = self.grant(of: key, at: .now, operator: try Operator.name(settings))
      try await CommandClient(settings, pool: pool).carryOut(.issueToken(grant), in: workspace.id)
      return (workspace.settings.slug, "\(host.site)/console/link?key=\(key.text)", grant)
    }
    print(link)
    StandardError.print("Workspace \(slug): link for \(PlainText.line(grant.name)) made")
  }
}

/// Where a workspace's admins reach the console.
struct ConsoleHost: Sendable, Equatable {
  /// Scheme and authority.
  let site: String

  /// - Parameters:
  ///   - option: what the operator says.
  ///   - domains: the workspace's own.
  ///   - configured: URLs at the deployment's own host, the first that is there being meant.
  /// - Throws: ``Failure`` where nothing tells.
  init(option: String?, domains: [String], configured: [String?]) throws(Failure) {
    if let option {
      guard let site = Self.site(of: option) else {
        throw Failure(.usage, "--url '\(option.prefix(200))' is no URL such as https://app.example.com")
      }
      self.site = site
      return
    }
    let own = configured.lazy.compactMap { $0.flatMap(Self.site) }.first
    if let domain = domains.first {
      // One front serves all hosts.
      site = "\(own?.hasPrefix("http:") == true ? "http" : "https")://\(domain)"
    } else if let own {
      site = own
    } else {
      throw Failure(.usage, "where is the console? Give --url https://HOST, or set ROLLCALL_HTTP_PUBLIC_URL")
    }
  }

  private static func site(of text: String) -> String? {
    guard let url = URL(string: text), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme),
      let host = url.host(percentEncoded: false), !host.isEmpty
    else { return nil }
    return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(url.port.map { ":\($0)" } ?? "")"
  }
}

/// `scimctl console sessions`
struct ListSessions: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions", abstract: "List who is signed in to the console: id, since when, until when, with what, name.")

  @OptionGroup var workspace: WorkspaceOption

  func run() async throws {
    let settings = try await Settings.forReading()
    let table = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      var table = Table()
      for row in try await pool.query(Queries.sessions, [.uuid(workspace.id.uuid)]) {
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

/// `scimctl console sign-out ID`
struct EndSession: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sign-out", abstract: "End a session of the console, on every copy of the edge within a second.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The session's id, as 'scimctl console sessions' shows it.")
  var id: TokenID

  func run() async throws {
    let slug = try await TokenTables.revoke(id, .session, in: workspace)
    print("Workspace \(slug): session \(id) ended")
  }
}
