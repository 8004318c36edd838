import Foundation
import Models
import SCIM
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("The client of the management API")
struct ManagementClientTests {
  private static func problem(_ status: Int, _ kind: String?, _ detail: String, headers: [String: String] = [:]) -> ScriptedServer.Answer {
    let type = kind.map { "urn:rollcall:problem:\($0)" } ?? "about:blank"
    return ScriptedServer.Answer(
      status: status, headers: ["content-type": "application/problem+json"].merging(headers) { _, new in new },
      body: #"{"type":"\#(type)","title":"T","status":\#(status),"detail":"\#(detail)"}"#)
  }

  @Test("A request has the token, and its path and query are encoded")
  func request() async throws {
    try await ScriptedServer.with([ScriptedServer.Answer(body: #"{"a":1}"#)]) { server, client in
      let path = APIPath.workspace("acme", "groups", "Ä b/c")
      let response = try await client.get(path, query: [(name: "q", value: "x&y=1 +"), (name: "none", value: nil)])
      #expect(try response.json() == ["a": 1])
      let received = try #require(server.requests.first)
      #expect(received.method == "GET" && received.body.isEmpty)
      #expect(received.target == "/api/v2/admin/workspaces/acme/groups/%C3%84%20b%2Fc?q=x%26y%3D1%20%2B")
      #expect(received.headers["authorization"] == "Bearer rollcall_test")
      #expect(received.headers["idempotency-key"] == nil)
    }
  }

  @Test("A write is repeated with the same idempotency key after 429, 503 and the error of a proxy")
  func repetition() async throws {
    let answers = [
      Self.problem(503, nil, "Busy.", headers: ["retry-after": "1"]), Self.problem(429, nil, "Slower."), ScriptedServer.Answer(status: 502),
      ScriptedServer.Answer(status: 201, body: #"{"id":"1"}"#),
    ]
    try await ScriptedServer.with(answers) { server, client in
      let response = try await client.post(.admin("workspaces"), ["slug": "acme"])
      #expect(response.status == 201)
      #expect(server.requests.count == 4)
      #expect(Set(server.requests.map { $0.headers["idempotency-key"] }).count == 1)
      #expect(server.requests.allSatisfy { $0.body == #"{"slug":"acme"}"# && $0.headers["content-type"] == "application/json" })
      #expect(try #require(server.requests.first?.headers["idempotency-key"]).count == 36)
    }
  }

  @Test("A request that may not be repeated is sent once, and a long pause is reported")
  func noRepetition() async throws {
    try await ScriptedServer.with([Self.problem(503, nil, "Busy."), Self.problem(429, nil, "Wait.", headers: ["retry-after": "600"])]) {
      server, client in
      var request = ManagementRequest(.post, .admin("replay"), json: [:])
      request.isRepeatable = false
      let failure = try await #require(throws: ScimctlError.self) { try await client.send(request) }
      #expect(failure == ScimctlError(.temporary, "Busy."))
      let limited = try await #require(throws: ScimctlError.self) { try await client.get(.admin("workspaces")) }
      #expect(limited == ScimctlError(.temporary, "Wait."))
      #expect(server.requests.count == 2 && server.requests[0].headers["idempotency-key"] == nil)
    }
  }

  @Test(
    "Problem details become an error with an exit status",
    arguments: [
      (400, "invalid-body", ScimctlError.Status.rejected), (401, nil, .permissionDenied), (403, "other-workspace", .permissionDenied),
      (404, "unknown-workspace", .notFound), (410, nil, .notFound), (409, nil, .alreadyExists), (409, "domain-not-verified", .temporary),
      (412, "version-conflict", .temporary), (422, nil, .rejected), (500, nil, .internal),
    ] as [(Int, String?, ScimctlError.Status)])
  func problems(_ status: Int, _ kind: String?, _ expected: ScimctlError.Status) async throws {
    try await ScriptedServer.with([Self.problem(status, kind, "Do this.")]) { _, client in
      let failure = try await #require(throws: ScimctlError.self) { try await client.get(.admin("health")) }
      #expect(failure == ScimctlError(expected, "Do this."))
    }
  }

  @Test("Individual errors are listed with their lines, and an error without an explanation names the server")
  func details() {
    let body =
      #"{"type":"urn:rollcall:problem:invalid-body","detail":"The body has 2 errors.","errors":[{"line":3,"detail":"No id."},"#
      + #"{"pointer":"/plan","detail":"/plan must be one of free."}]}"#
    let problem = ServerProblem(status: 400, body: Array(body.utf8))
    #expect(problem.kind == "invalid-body" && problem.errors.count == 2)
    let failure = ScimctlError(problem, from: "https://a.example")
    #expect(failure.message == "The body has 2 errors.; line 3: No id.; /plan must be one of free.")
    let single = ServerProblem(status: 400, body: Array(#"{"detail":"Same.","errors":[{"pointer":"/a","detail":"Same."}]}"#.utf8))
    #expect(ScimctlError(single, from: "https://a.example").message == "Same.")
    let other = ScimctlError(ServerProblem(status: 404, body: Array("<html>".utf8)), from: "https://a.example")
    #expect(other.status == .configuration && other.message.contains("https://a.example"))
    #expect(ScimctlError(ServerProblem(status: 502, body: []), from: "https://a.example").status == .unavailable)
  }

  @Test("A list follows cursors up to a limit, and says whether there is more")
  func pages() async throws {
    let pages = [
      ScriptedServer.Answer(body: #"{"tokens":[{"id":"a"},{"id":"b"}],"nextCursor":"x/1"}"#),
      ScriptedServer.Answer(body: #"{"tokens":[{"id":"c"}]}"#),
    ]
    struct Item: Decodable, Sendable, Equatable { var id: String }
    try await ScriptedServer.with(pages + pages + pages) { server, client in
      let query = [(name: "status", value: "ended")] as [(name: String, value: String?)]
      let all = try await client.list(of: Item.self, .admin("tokens"), "tokens", query: query)
      #expect(all.items.map(\.id) == ["a", "b", "c"] && !all.isCut)
      #expect(server.requests.map(\.target).suffix(1) == ["/api/v2/admin/tokens?status=ended&limit=200&cursor=x%2F1"])
      let exact = try await client.list(.admin("tokens"), "tokens", limit: 3)
      #expect(exact.items.count == 3 && !exact.isCut)
      let cut = try await client.list(.admin("tokens"), "tokens", limit: 1)
      #expect(cut.items == [["id": "a"]] && cut.isCut)
    }
  }

  @Test("A server that accepts no connection is reported with its URL")
  func unreachable() async throws {
    let server = try ManagementServer(url: "http://127.0.0.1:1", token: "rollcall_test")
    let failure = try await #require(throws: ScimctlError.self) {
      try await ManagementClient.with(server) { try await $0.get(.admin("health")).status }
    }
    #expect(failure.status == .unavailable && failure.message.contains("http://127.0.0.1:1"))
  }

  @Test("A settings change is a merge patch for the version that was read, and is made again if the version has changed")
  func update() async throws {
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://a.example/",
      changeGuard: ChangeGuard(maximumDeactivations: 5, notify: "a@example.com"))
    settings.adminLanguage = "de"
    let id = WorkspaceID.made(at: .now)
    func stored(_ version: Int64) throws -> ScriptedServer.Answer {
      let workspace = StoredWorkspace(id: id, settings: settings, version: version)
      return ScriptedServer.Answer(body: String(decoding: try workspace.json().serialized(), as: UTF8.self))
    }
    let answers = try [stored(4), Self.problem(412, "version-conflict", "Changed."), stored(5), stored(6)]
    try await ScriptedServer.with(answers) { server, client in
      let administration = ServerAdministration(
        settings: try await ServiceSettings.read(service: "scimctl", settings: [], environment: [:]), client: client)
      try await administration.updateWorkspace("acme") { settings throws(ScimctlError) in
        var changed = settings
        changed.name = "Other"
        changed.changeGuard = nil
        changed.adminLanguage = nil
        changed.invitations.expiryDays = nil
        changed.customRoles = ["Auditor"]
        return changed
      }
      let patches = server.requests.filter { $0.method == "PATCH" }
      #expect(patches.map { $0.headers["if-match"] } == ["\"4\"", "\"5\""])
      #expect(Set(patches.map { $0.headers["idempotency-key"] }).count == 2)
      for patch in patches {
        #expect(
          try JSON(parsing: patch.body) == [
            "name": "Other", "changeGuard": nil, "adminLanguage": nil, "invitations": ["expiryDays": nil], "customRoles": ["Auditor"],
          ])
      }
    }
  }
}
