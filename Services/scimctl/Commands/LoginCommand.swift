import ArgumentParser
import Foundation

/// `scimctl login`, which stores a server and a token as a profile.
struct LoginCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "login", abstract: "Store the server of --server and a token as a profile, which later commands use.",
    discussion: """
      Asks for the token, or reads it from ROLLCALL_TOKEN or standard input. The server has to accept it: a deployment-wide token with scope \
      admin ('scimctl token issue --deployment --direct --scope admin --name NAME'), or one of a workspace. The profile is in \
      ~/.config/rollcall/config.json, which only you can read, and becomes the current one.
      """)

  @Option(help: ArgumentHelp("The name of the profile. (default: the host of the server)", valueName: "name"))
  var name: String?

  @Option(
    help: ArgumentHelp("A PEM file with the certificate authorities of the server. (default: those of the system)", valueName: "path"))
  var authorities: String?

  func validate() throws {
    if let name, !ServerProfiles.isName(name) {
      throw ValidationError("--name must have up to 100 printable ASCII characters without spaces.")
    }
  }

  func run() async throws {
    let settings = try await Settings.forConnection()
    let options = GlobalOptions.current
    guard let url = options.server ?? settings.optionalString(.server) else {
      throw ScimctlError(.usage, "the server is missing. Use 'scimctl login --server https://app.example.com'")
    }
    let site = try ManagementServer.site(of: url)
    let token = try options.token ?? settings.optionalString(.serverToken) ?? Self.readToken(for: site)
    let path = authorities.map { URL(fileURLWithPath: $0).path } ?? settings.optionalString(.serverAuthorities)
    let server = try ManagementServer(url: url, token: token, authorities: path)
    if server.isExposed { StandardError.print("scimctl: \(site) has no TLS: the network can read the token") }
    let found = try await ManagementClient.with(server) { client in
      try await client.list(of: WorkspaceRow.self, .admin("workspaces"), "workspaces", limit: 1)
    }
    let name = name ?? URL(string: site)?.host(percentEncoded: false) ?? "default"
    let file = ServerProfiles.path()
    var profiles = try ServerProfiles.read(from: file)
    profiles.add(ServerProfiles.Profile(server: server.site, token: server.token, authorities: path), named: name)
    try profiles.write(to: file)
    let scope = server.workspace == nil ? "all workspaces" : "workspace \(found.items.first?.slug ?? "of the token")"
    print("Profile \(name): \(server.site), \(scope)")
  }

  /// Reads the token: without an echo from a terminal, else the first line of standard input.
  ///
  /// - Throws: ``ScimctlError`` if there is none.
  private static func readToken(for site: String) throws(ScimctlError) -> String {
    let line = isatty(STDIN_FILENO) == 1 ? TerminalInput.secret(prompt: "Token for \(site): ") : readLine()
    guard let token = line?.trimmingCharacters(in: .whitespaces), !token.isEmpty else {
      throw ScimctlError(.usage, "there is no token. Enter it, set ROLLCALL_TOKEN, or write it to standard input")
    }
    return token
  }
}

/// Reads secrets from the terminal.
enum TerminalInput {
  /// Reads a line that is not shown while it is typed; nil at the end of the input.
  static func secret(prompt: String) -> String? {
    FileHandle.standardError.write(Data(prompt.utf8))
    var shown = termios()
    guard tcgetattr(STDIN_FILENO, &shown) == 0 else { return readLine() }
    var hidden = shown
    hidden.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden)
    defer {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown)
      FileHandle.standardError.write(Data("\n".utf8))
    }
    return readLine()
  }
}
