import Foundation
import Models
import ProvisioningLog
import SCIM
import ServiceKit
import Testing

@testable import ScimctlCommands

@Suite("Requests for the data of a workspace")
struct ServerDataTests {
  private static let id = "01a20c81-86d0-7f41-8f52-0c7d3a6f5a10"

  private static let workspace = StoredWorkspace(
    id: .made(at: Date(timeIntervalSince1970: 1_769_850_000)),
    settings: WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://app.example.com/"))

  /// The path of the workspace.
  private static var root: String { "/api/v2/admin/workspaces/\(workspace.id)" }

  private static func user(_ name: String) -> String {
    #"{"id":"\#(id)","userName":"\#(name)","state":"active","role":"viewer"}"#
  }

  /// Runs `body` with a server that has these responses.
  private func serving(
    _ answers: [ScriptedServer.Answer], _ body: (ScriptedServer, ServerAdministration) async throws -> Void
  ) async throws {
    let settings = try await ServiceSettings.read(service: "scimctl", settings: [], environment: [:])
    try await ScriptedServer.with(answers) { server, client in
      try await body(server, ServerAdministration(settings: settings, client: client))
    }
  }

  private static func notFound(_ kind: String = "unknown-resource") -> ScriptedServer.Answer {
    ScriptedServer.Answer(
      status: 404, headers: ["content-type": "application/problem+json"],
      body: #"{"type":"urn:rollcall:problem:\#(kind)","status":404,"detail":"There is none."}"#)
  }

  @Test("All states are listed one after the other, up to the limit")
  func users() async throws {
    let answers = [
      ScriptedServer.Answer(body: #"{"members":[\#(Self.user("ana"))]}"#),
      ScriptedServer.Answer(body: #"{"members":[\#(Self.user("ben")),\#(Self.user("eve"))],"nextCursor":"more"}"#),
    ]
    try await serving(answers) { server, administration in
      let found = try await administration.users(nil, limit: 2, in: Self.workspace)
      #expect(found.items.map(\.userName) == ["ana", "ben"] && found.isCut)
      #expect(
        server.requests.map(\.target) == [
          "\(Self.root)/members?state=invited&limit=3", "\(Self.root)/members?state=active&limit=2",
        ])
    }
  }

  @Test("A user is found by id or by name, and an unknown one is nil")
  func findUser() async throws {
    let answers = [
      ScriptedServer.Answer(body: Self.user("ana")), Self.notFound(), ScriptedServer.Answer(body: #"{"members":[\#(Self.user("ana"))]}"#),
      ScriptedServer.Answer(body: #"{"members":[]}"#), Self.notFound("unknown-workspace"),
    ]
    try await serving(answers) { server, administration in
      for expected in ["ana", nil] { #expect(try await administration.findUser(Self.id, in: Self.workspace)?.userName == expected) }
      for expected in ["ana", nil] {
        #expect(try await administration.findUser("ana@example.com", in: Self.workspace)?.userName == expected)
      }
      await #expect(throws: ScimctlError.self) { try await administration.findUser(Self.id, in: Self.workspace) }
      #expect(server.requests[0].target == "\(Self.root)/members/\(Self.id)")
      #expect(server.requests[2].target == "\(Self.root)/members?name=ana%40example.com&limit=2")
    }
  }

  @Test("Groups with the whole name are found, and several of them are an error")
  func groups() async throws {
    func groups(_ names: [String]) -> ScriptedServer.Answer {
      let rows = names.enumerated().map { index, name in
        #"{"id":"\#(Self.id.dropLast())\#(index)","displayName":"\#(name)","members":{"visible":1,"pending":0,"held":0}}"#
      }
      return ScriptedServer.Answer(body: #"{"groups":[\#(rows.joined(separator: ","))],"total":9}"#)
    }
    let member = ScriptedServer.Answer(body: #"{"members":[{"id":"\#(Self.id)","status":"visible","email":"ana@example.com"}]}"#)
    try await serving([groups(["DATA", "Data team"]), member, groups(["Data", "data"]), groups(["Data team"])]) { server, administration in
      let found = try await administration.members(of: "Data", .visible, in: Self.workspace)
      #expect(found.members.map(\.name) == ["ana@example.com"] && found.isProcessed)
      #expect(server.requests[1].target.hasPrefix("\(Self.root)/groups/\(Self.id.dropLast())0/members?status=visible"))
      let several = try await #require(throws: ScimctlError.self) {
        try await administration.members(of: "Data", nil, in: Self.workspace)
      }
      #expect(several.status == .usage)
      let none = try await #require(throws: ScimctlError.self) { try await administration.members(of: "Data", nil, in: Self.workspace) }
      #expect(none.status == .notFound)
    }
  }

  @Test("Entries of the log are read until enough have the status, the oldest first")
  func log() async throws {
    func page(_ statuses: [Int], next: String? = nil) -> ScriptedServer.Answer {
      let entries = statuses.map { status in
        #"{"id":"\#(Self.id)","at":"2026-01-31T09:00:00Z","method":"POST","path":"/","status":\#(status),"isPartlyApplied":false}"#
      }
      let cursor = next.map { #","nextCursor":"\#($0)""# } ?? ""
      return ScriptedServer.Answer(body: #"{"entries":[\#(entries.joined(separator: ","))]\#(cursor)}"#)
    }
    var selection = LogRepository.Selection()
    selection.status = 400...499
    selection.limit = 2
    try await serving([page([404, 500], next: "c"), page([400, 401])]) { [selection] server, administration in
      let found = try await administration.logEntries(selection, in: Self.workspace)
      #expect(found.map(\.row.status) == [400, 404])
      #expect(server.requests.map(\.target).last == "\(Self.root)/provisioning-log?failed=true&limit=200&cursor=c")
    }
  }

  @Test("A request is sent again once, without an idempotency key, and not by force")
  func replay() async throws {
    let entry = DiagnosedEntry(
      entry: LogEntry(
        id: .made(at: .now), workspace: Self.workspace.id, at: .now, method: "POST", path: "/", status: 500, milliseconds: 1))
    try await serving([ScriptedServer.Answer(body: #"{"status":409,"entry":"e"}"#)]) { server, administration in
      let outcome = try await administration.replay(entry, force: false, in: Self.workspace)
      #expect(outcome == ReplayOutcome(status: 409, entry: "e"))
      #expect(server.requests.first?.headers["idempotency-key"] == nil)
      await #expect(throws: ScimctlError.self) { try await administration.replay(entry, force: true, in: Self.workspace) }
    }
  }

  @Test("A sign-in names its workspace and waits for the outcome")
  func signIn() async throws {
    let answers = [
      ScriptedServer.Answer(body: #"{"outcome":"already-active","advice":"Continue."}"#), ScriptedServer.Answer(status: 202, body: ""),
    ]
    try await serving(answers) { server, administration in
      let time = Date(timeIntervalSince1970: 1_769_850_000)
      #expect(try await administration.reportSignIn(of: "ana@example.com", at: time, in: Self.workspace) == .alreadyActive)
      #expect(try await administration.reportSignIn(of: "ana@example.com", at: time, in: Self.workspace) == nil)
      let request = try #require(server.requests.first)
      #expect(request.target == "/api/v2/sign-ins" && request.headers["prefer"] == "wait=10")
      #expect(request.headers["rollcall-workspace"] == "\(Self.workspace.id)")
      #expect(request.body.contains(#""signedInAt":"2026-01-31T09:00:00"#), "\(request.body)")
    }
  }

  @Test("Differences of the directory are read from all pages, and only those that stay are reported")
  func differences() async throws {
    func page(_ ids: [String], next: String? = nil) -> ScriptedServer.Answer {
      let items = ids.map { #"{"type":"member","member":"\#($0)","difference":"missing in the directory"}"# }
      let cursor = next.map { #","nextCursor":"\#($0)""# } ?? ""
      return ScriptedServer.Answer(body: #"{"differences":[\#(items.joined(separator: ","))]\#(cursor)}"#)
    }
    let other = Self.id.replacing("5a10", with: "5a11")
    try await serving([page([Self.id], next: "c"), page([other]), page([other]), page([])]) { server, administration in
      let found = try await administration.persistentDifferences(checkedFor: .zero, in: Self.workspace)
      #expect(found.count == 2 && server.requests[1].target == "\(Self.root)/directory/differences?cursor=c")
      // The second comparison finds none.
      let left = try await administration.persistentDifferences(checkedFor: .milliseconds(1), in: Self.workspace)
      #expect(left.isEmpty && server.requests.count == 4)
    }
  }

  @Test("Events are selected by cursor, type and workspace, and of the deployment without a workspace")
  func events() async throws {
    let answer = ScriptedServer.Answer(body: #"{"events":[],"cursor":"c2","hasMore":false}"#)
    try await serving([answer, answer]) { server, administration in
      let selection = EventSelection(after: "c1", types: [.accessRevoked, .memberUpdated], limit: 7, wait: 30)
      let page = try await administration.events(selection, of: TokenOwner(Self.workspace))
      #expect(page == EventPage(events: [], cursor: "c2", hasMore: false))
      _ = try await administration.events(EventSelection(), of: .deployment)
      #expect(
        server.requests.map(\.target) == [
          "/api/v2/events?after=c1&types=access-revoked%2Cmember.updated&limit=7&wait=30&workspace=\(Self.workspace.id)",
          "/api/v2/events?limit=100",
        ])
    }
  }

  @Test("A snapshot without its last line is an error, after its lines were passed on")
  func snapshot() async throws {
    let first = #"{"type":"snapshot","cursor":"c"}"# + "\n"
    let answers = [ScriptedServer.Answer(body: first + #"{"type":"end"}"# + "\n"), ScriptedServer.Answer(body: first)]
    try await serving(answers) { _, administration in
      var received = 0
      try await administration.snapshot(of: .deployment) { received += $0.count }
      #expect(received > first.utf8.count)
      let failure = try await #require(throws: ScimctlError.self) { try await administration.snapshot(of: .deployment) { _ in } }
      #expect(failure.status == .temporary && failure.message.contains("incomplete"))
    }
  }

  @Test("An import is sent with its key and followed to its end")
  func accountImport() async throws {
    func row(_ status: String, _ position: Int) -> ScriptedServer.Answer {
      ScriptedServer.Answer(
        status: 202,
        body: #"{"id":"\#(Self.id)","status":"\#(status)","createdAt":"2026-01-31T09:00:00Z","lines":2,"position":\#(position),"linked":0}"#
      )
    }
    try await serving([row("waiting", 0), row("applying", 1), row("done", 2)]) { server, administration in
      let started = try await administration.importAccounts(Array("{}\n".utf8), key: "my-import-key", in: Self.workspace)
      var positions: [Int] = []
      let finished = try await administration.finishedImport(started, in: Self.workspace) { positions.append($0.position) }
      #expect(finished.status == "done" && positions == [1, 2])
      let request = try #require(server.requests.first)
      #expect(request.headers["idempotency-key"] == "my-import-key" && request.headers["content-type"] == "application/x-ndjson")
      #expect(server.requests.last?.target == "\(Self.root)/accounts/imports/\(Self.id)")
    }
  }

  @Test("A webhook is found by the first characters of its id")
  func webhookIDs() async throws {
    func row(_ id: String) -> String {
      #"""
      {"id":"\#(id)","url":"u","description":"","types":null,"state":"enabled","createdAt":"2026-01-31T09:00:00Z",
       "modifiedAt":"2026-01-31T09:00:00Z"}
      """#
    }
    let other = Self.id.replacing("01a2", with: "01a3")
    let answer = ScriptedServer.Answer(body: #"{"webhooks":[\#(row(Self.id)),\#(row(other))]}"#)
    try await serving([answer, answer, answer]) { server, administration in
      for (text, expected) in [("01A3", other), ("01a20c81-86d0-7f41-8f52-0c7d3a6f5a1", Self.id)] {
        let found = try await administration.webhookID(try #require(IDPrefix(argument: text)), of: .deployment)
        #expect("\(found)" == expected)
      }
      let unknown = try #require(IDPrefix(argument: "01a4"))
      let failure = try await #require(throws: ScimctlError.self) { try await administration.webhookID(unknown, of: .deployment) }
      #expect(failure.status == .notFound)
      #expect(server.requests[0].target.hasPrefix("/api/v2/admin/webhooks"))
    }
  }
}
