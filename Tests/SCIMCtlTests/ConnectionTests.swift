import ArgumentParser
import Credentials
import Foundation
import Models
import Testing

@testable import ScimctlCommands

@Suite("How a command reaches the deployment")
struct ConnectionTests {
  private static let profiles = ServerProfiles(
    current: "staging",
    profiles: [
      "production": .init(server: "https://app.example.com", token: "rollcall_production"),
      "staging": .init(server: "https://staging.example.com", token: "rollcall_staging", authorities: "/ca.pem"),
    ])

  private func connection(
    _ options: GlobalOptions.Values = .init(), server: String? = nil, token: String? = nil, profile: String? = nil,
    hasDatabase: Bool = false, profiles: ServerProfiles = Self.profiles
  ) throws -> Connection {
    let sources = Connection.Sources(
      options: options, server: server, token: token, serverProfile: profile, hasDatabase: hasDatabase)
    return try Connection(sources) { () throws(ScimctlError) in profiles }
  }

  private func target(_ url: String, _ token: String, authorities: String? = nil) throws -> Connection {
    .server(try ManagementServer(url: url, token: token, authorities: authorities))
  }

  @Test("Options take precedence over the environment, and the environment over the current profile")
  func precedence() throws {
    let everything = GlobalOptions.Values(server: "https://option.example/", token: "t1")
    #expect(
      try connection(everything, server: "https://env.example", token: "t2", hasDatabase: true) == target("https://option.example", "t1"))
    #expect(
      try connection(.init(serverProfile: "production"), server: "https://env.example", token: "t2", hasDatabase: true)
        == target("https://app.example.com", "rollcall_production"))
    #expect(
      try connection(server: "https://env.example", token: "t2", profile: "production", hasDatabase: true)
        == target("https://env.example", "t2"))
    #expect(try connection(profile: "production", hasDatabase: true) == target("https://app.example.com", "rollcall_production"))
    #expect(try connection(hasDatabase: true) == .direct)
    #expect(try connection() == target("https://staging.example.com", "rollcall_staging", authorities: "/ca.pem"))
    #expect(try connection(.init(direct: true), server: "https://env.example", token: "t2") == .direct)
  }

  @Test("The token is that of the option, of the environment, or of a profile for the same server")
  func tokens() throws {
    #expect(try connection(.init(server: "https://a.example", token: "t1"), token: "t2") == target("https://a.example", "t1"))
    #expect(try connection(.init(server: "https://a.example"), token: "t2") == target("https://a.example", "t2"))
    #expect(try connection(.init(server: "https://APP.example.com/api/v2")) == target("https://app.example.com", "rollcall_production"))
    // A token in the environment belongs to another server than a profile.
    #expect(
      try connection(.init(serverProfile: "production"), token: "t2") == target("https://app.example.com", "rollcall_production"))
    #expect(try connection(.init(token: "t1", serverProfile: "production")) == target("https://app.example.com", "t1"))
    let failure = try #require(throws: ScimctlError.self) { try connection(.init(server: "https://a.example")) }
    #expect(failure.status == .configuration && failure.message.contains("ROLLCALL_TOKEN"))
  }

  @Test("Without any server the error says what can be set")
  func nothing() throws {
    let failure = try #require(throws: ScimctlError.self) { try connection(profiles: ServerProfiles()) }
    #expect(failure.status == .configuration)
    for expected in ["--server", "scimctl login", "ROLLCALL_DATABASE_URL"] { #expect(failure.message.contains(expected)) }
    let unknown = try #require(throws: ScimctlError.self) { try connection(.init(serverProfile: "none")) }
    #expect(unknown.status == .notFound && unknown.message.contains("production, staging"))
  }

  @Test(
    "A server is an HTTP URL, of which scheme, host and port count",
    arguments: [
      ("https://App.example.com/api/v2/scim/", "https://app.example.com"), ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
      ("https://[::1]:8443/", "https://[::1]:8443"), ("app.example.com", nil), ("ftp://a.example", nil), ("https://user@a.example", nil),
      ("", nil),
    ] as [(String, String?)])
  func site(_ url: String, _ site: String?) {
    #expect((try? ManagementServer.site(of: url)) == site)
  }

  @Test("A token without TLS is exposed, except on this machine")
  func exposure() throws {
    for (url, isExposed) in [
      ("https://a.example", false), ("http://a.example", true), ("http://localhost:8080", false), ("http://127.0.0.1", false),
      ("http://[::1]:80", false), ("http://10.0.0.1", true),
    ] {
      #expect(try ManagementServer(url: url, token: "t").isExposed == isExposed, "\(url)")
    }
    let workspace = WorkspaceID.made(at: .now)
    #expect(try ManagementServer(url: "https://a.example", token: AccessToken.made(for: workspace).text + "\n").workspace == workspace)
    #expect(try ManagementServer(url: "https://a.example", token: AccessToken.made(for: .deployment).text).workspace == nil)
    #expect(throws: ScimctlError.self) { try ManagementServer(url: "https://a.example", token: "two words") }
  }

  @Test("The options are accepted at any position, and contradictions are rejected")
  func options() throws {
    for line in [
      ["--server", "https://a.example", "token", "list", "--token=t"], ["token", "list", "--token", "t", "--server", "https://a.example"],
    ] {
      #expect(try Scimctl.parseAsRoot(line) is ListTokens)
      #expect(GlobalOptions.Values(in: line) == .init(server: "https://a.example", token: "t"))
    }
    #expect(GlobalOptions.Values(in: ["token", "list", "--direct", "--as", "a", "--as=b"]) == .init(operatorName: "b", direct: true))
    #expect(GlobalOptions.Values(in: ["token", "list", "--", "--direct", "--server", "x"]) == .init())
    for line in [
      ["token", "list", "--direct", "--server", "https://a.example"], ["token", "list", "--server", "a"],
      ["token", "list", "--server", "https://a.example", "--server-profile", "p"],
    ] {
      #expect(throws: (any Error).self, "\(line)") { try Scimctl.parseAsRoot(line) }
    }
    // The connection profile of a workspace is another option.
    let create = ["workspace", "create", "acme", "--name", "A", "--sign-in-url", "https://a.example/", "--profile", "okta"]
    #expect(try (Scimctl.parseAsRoot(create + ["--server-profile", "p"]) as? CreateWorkspace)?.profile == .okta)
  }
}

@Suite("Stored servers and tokens")
struct ServerProfilesTests {
  /// Runs `body` with the path of a file that does not exist yet.
  private func withFile(_ body: (String) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder.appendingPathComponent("rollcall/config.json").path)
  }

  private func permissions(_ path: String) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
  }

  @Test("Profiles are stored in a file that only its owner may read")
  func file() throws {
    try withFile { path in
      #expect(try ServerProfiles.read(from: path) == ServerProfiles())
      var profiles = ServerProfiles()
      profiles.add(.init(server: "https://a.example", token: "rollcall_a"), named: "a")
      profiles.add(.init(server: "https://b.example", token: "rollcall_b"), named: "b")
      try profiles.write(to: path)
      try profiles.write(to: path)
      #expect(try ServerProfiles.read(from: path) == profiles && profiles.current == "b")
      #expect(try permissions(path) == 0o600)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path) == ["config.json"])
      try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
      let failure = try #require(throws: ScimctlError.self) { try ServerProfiles.read(from: path) }
      #expect(failure.message.contains("chmod 600"))
    }
  }

  @Test("A malformed file is reported, and not replaced")
  func malformed() throws {
    try withFile { path in
      try ServerProfiles().write(to: path)
      try Data("{".utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      #expect(throws: ScimctlError.self) { try ServerProfiles.read(from: path) }
    }
  }

  @Test("A removed profile is no longer the current one")
  func removal() throws {
    var profiles = ServerProfiles()
    profiles.add(.init(server: "https://a.example", token: "t"), named: "a")
    #expect(ListProfiles.rows(of: profiles) == [.init(name: "a", server: "https://a.example", isCurrent: true)])
    #expect(throws: ScimctlError.self) { try profiles.remove("b") }
    try profiles.remove("a")
    #expect(profiles == ServerProfiles())
  }

  @Test("The file is below XDG_CONFIG_HOME, or in the home directory")
  func path() {
    #expect(ServerProfiles.path(environment: ["XDG_CONFIG_HOME": "/x", "HOME": "/h"]) == "/x/rollcall/config.json")
    #expect(ServerProfiles.path(environment: ["XDG_CONFIG_HOME": "", "HOME": "/h"]) == "/h/.config/rollcall/config.json")
    for name in ["", "two words", "ä", String(repeating: "a", count: 101)] { #expect(!ServerProfiles.isName(name)) }
    #expect(ServerProfiles.isName("app.example.com"))
  }
}

@Suite("The findings of scimctl doctor through a server")
struct ServerCheckTests {
  private static let health = """
    {"status":"failing","checks":[{"name":"database","status":"ok","waitingEvents":7},
    {"name":"identity-store","status":"failing","detail":"It executes no commands: busy"}]}
    """

  @Test("The checks of the server become findings, and a failing one has a fix")
  func deployment() async throws {
    let answer = ScriptedServer.Answer(body: Self.health)
    try await ScriptedServer.with([answer]) { server, client in
      let findings = await ServerCheck(client: client).findings()
      #expect(findings.contains(.ok("database", "answers; 7 events wait to be published")))
      let store = try #require(findings.first { $0.check == "identity-store" })
      #expect(store.status == .fail && store.message.contains("executes no commands") && store.fix != nil)
      #expect(findings.contains { $0.check == "server" && $0.status == .ok })
      #expect(server.requests.map(\.target) == ["/api/v2/admin/health"])
    }
  }

  @Test("A rejected token is a failure")
  func rejected() async throws {
    let answer = ScriptedServer.Answer(status: 401, body: #"{"detail":"The token is not known."}"#)
    try await ScriptedServer.with([answer]) { _, client in
      let findings = await ServerCheck(client: client).findings()
      #expect(findings.map(\.status) == [.fail])
      #expect(findings.first?.message == "The token is not known.")
      #expect(findings.first?.fix?.contains("scimctl login") == true)
    }
  }

  @Test("Dates of HTTP headers are parsed")
  func dates() {
    #expect(HTTPDate.date("Sun, 06 Nov 1994 08:49:37 GMT") == Date(timeIntervalSince1970: 784_111_777))
    #expect(HTTPDate.date("yesterday") == nil)
  }
}
