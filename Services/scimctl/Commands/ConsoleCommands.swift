import ArgumentParser
import Foundation
import Models

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
      The link points to the host of --url, else to the workspace's custom domain, else to the server; with --direct, to the host of \
      ROLLCALL_HTTP_PUBLIC_URL or ROLLCALL_SCIM_URL. Treat it like a password until it is used: send it only to the person it is for.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: ArgumentHelp("How long the link is valid, at most 1d. (default: 10m)", valueName: "time"))
  var expiresIn: DurationArgument?

  @Option(name: .customLong("for"), help: "The person's name in the audit trail. (default: your name)")
  var person: String?

  @Option(help: "Scheme and host of the console, such as https://app.example.com.")
  var url: String?

  private static let defaultLifetime: TimeInterval = 600

  /// The link that the options describe.
  ///
  /// - Parameter operator: The name of the operator, for a link without `--for`.
  func wanted(at time: Date, operator: String) -> WantedLink {
    WantedLink(person: person ?? `operator`, expiresAt: time + (expiresIn?.interval ?? Self.defaultLifetime))
  }

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let host = try ConsoleHost(
        option: url, domains: workspace.settings.customDomains, configured: try await administration.consoleURLs)
      let wanted = wanted(at: .now, operator: try Operator.name(administration.settings))
      let issued = try await administration.createConsoleLink(wanted, in: workspace)
      print("\(host.site)/console/link?key=\(issued.secret)")
      StandardError.print("Workspace \(workspace.settings.slug): created a link for \(PlainText.line(wanted.person))")
    }
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
  @OptionGroup var output: OutputOption

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      try output.print(try await administration.consoleSessions(of: workspace), as: ConsoleSession.table)
    }
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
    try await withAdministration { administration in
      let owner = TokenOwner(try await administration.workspace(workspace))
      try await administration.revoke(id, .session, of: owner)
      print("\(owner.title): session \(id) ended")
    }
  }
}
