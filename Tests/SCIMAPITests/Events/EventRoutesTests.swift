import EdgeHTTP
import EdgeReads
import Foundation
import Logging
import Models
import SCIM
import ServiceLifecycle
import TestSupport
import Testing

@testable import ProductAPI

@Suite("The events API", .timeLimit(.minutes(10)))
struct EventRoutesTests {
  private static let base = ResourcePath.events
  private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private static func edge(_ events: StoredEvents, scopes: Set<TokenScope> = [.events]) -> EdgeBuilder {
    var edge = EdgeBuilder()
    edge.scopes = scopes
    // The plan and SAML SSO are not checked, because the events belong to the product.
    edge.settings.plan = .free
    edge.events = events
    return edge
  }

  private static func numbers(_ answer: Answer) -> [Int64] {
    answer.json["events"]?.array?.compactMap { $0.object?["sequence"]?.integer } ?? []
  }

  @Test("returns events in pages, each with a cursor to continue from")
  func pages() async throws {
    let events = StoredEvents()
    let edge = Self.edge(events)
    for _ in 1...5 { events.append(.memberInvited, in: edge.workspace) }
    try await serving(edge) { client in
      let first = try await client.send("GET", "?limit=2", base: Self.base)
      #expect(first.status == 200, "\(first.text)")
      #expect(first.headers["content-type"] == "application/json; charset=utf-8")
      #expect(first.headers["cache-control"] == "no-store")
      #expect(Self.numbers(first) == [1, 2])
      #expect(first.json["hasMore"] == .bool(true))
      let event = try #require(first.json["events"]?.array?.first?.object)
      #expect(event["id"]?.string == "event-1")
      #expect(event["type"]?.string == "member.invited")
      #expect(event["workspace"]?.string == edge.workspace.description)
      #expect(event["time"]?.string == "2026-01-01T00:00:01.000Z")
      #expect(event["data"]?.object?["number"]?.integer == 1)
      let cursor = try #require(first.json["cursor"]?.string)
      let rest = try await client.send("GET", "?after=\(cursor)", base: Self.base)
      #expect(Self.numbers(rest) == [3, 4, 5])
      #expect(rest.json["hasMore"] == .bool(false))
      let end = try await client.send("GET", "?after=latest", base: Self.base)
      #expect(Self.numbers(end) == [])
      #expect(EventCursor(end.json["cursor"]?.string ?? "")?.number == 5)
    }
  }

  @Test("reads the workspace of the token, whose id or slug it may name, and the types that are named")
  func query() async throws {
    let events = StoredEvents()
    let edge = Self.edge(events)
    events.append(.memberInvited, in: edge.workspace)
    events.append(.accessRevoked, in: edge.workspace)
    try await serving(edge) { client in
      for name in ["", "&workspace=acme", "&workspace=\(edge.workspace)"] {
        let answer = try await client.send("GET", "?types=access-revoked,%20group.created\(name)", base: Self.base)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(Self.numbers(answer) == [2])
      }
    }
    for query in events.queries.entries {
      #expect(query.scope == .workspace(edge.workspace))
      #expect(query.workspaces == nil)
      #expect(Set(query.types ?? []) == [.accessRevoked, .groupCreated])
    }
    #expect(events.queries.entries.count == 3)
  }

  @Test(
    "explains errors as problem details",
    arguments: [
      ("?limit=0", 400, "from 1 to 1000"), ("?limit=1001", 400, "from 1 to 1000"), ("?limit=many", 400, "whole number"),
      ("?wait=31", 400, "from 0 to 30"), ("?wait=-1", 400, "from 0 to 30"), ("?after=abc", 400, "not a cursor"),
      ("?after=\(EventCursor(epoch: UUID(), scope: .deployment, number: 1, storedSince: Date()).text)", 400, "events of the deployment"),
      (
        "?after=\(EventCursor(epoch: UUID(), scope: .workspace(.made(at: Date())), number: 1, storedSince: Date()).text)", 400,
        "another workspace"
      ),
      ("?types=member.gone", 400, "group.member-added"), ("?types=,", 400, "names no type"), ("?workspace=other", 403, "'acme'"),
      ("?workspace=\(WorkspaceID.made(at: Date()))", 403, "belongs to the workspace"), ("/nothing", 404, "nothing at"),
      ("/snapshot?workspace=other", 403, "'acme'"),
    ])
  func errors(path: String, status: Int, words: String) async throws {
    try await serving(Self.edge(StoredEvents())) { client in
      let answer = try await client.send("GET", path, base: Self.base)
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.headers["content-type"] == "application/problem+json")
      #expect(answer.detail.contains(words), "\(answer.text)")
    }
  }

  @Test("answers a cursor whose events are gone with 410 and the way to recover", arguments: [EventCursorGone.expired, .otherLog])
  func gone(_ cause: EventCursorGone) async throws {
    let events = StoredEvents(failure: cause)
    let edge = Self.edge(events)
    try await serving(edge) { client in
      let answer = try await client.send("GET", "?after=\(events.cursor(1, of: .workspace(edge.workspace)).text)", base: Self.base)
      #expect(answer.status == 410)
      #expect(answer.json["type"]?.string == "urn:rollcall:problem:cursor-gone")
      #expect(answer.detail.contains("/api/v2/events/snapshot"))
    }
  }

  @Test("requires a token with the scope 'events'")
  func scope() async throws {
    try await serving(Self.edge(StoredEvents(), scopes: [.scim, .signIns, .admin, .directory])) { client in
      for path in ["", "/snapshot"] {
        let answer = try await client.send("GET", path, base: Self.base)
        #expect(answer.status == 403)
        #expect(answer.detail.contains("'events'"))
      }
    }
  }

  @Test("A deployment-wide token reads all workspaces, those that it names, or the one in the header")
  func deployment() async throws {
    let events = StoredEvents()
    var edge = Self.edge(events)
    var settings = edge.settings
    settings.slug = "globex"
    let globex = NamedWorkspace(id: .made(at: Date()), settings: settings, version: 1)
    edge.otherWorkspaces = [globex]
    let token = edge.addDeploymentToken([.events])
    let acme = edge.workspace
    try await serving(edge, token: token) { [globex] client in
      for (path, header, scope, filter) in [
        ("", nil, EventScope.deployment, nil), ("?workspace=globex", nil, .workspace(globex.id), nil),
        ("?workspace=globex,\(globex.id)", nil, .workspace(globex.id), nil),
        ("?workspace=acme,globex", nil, .deployment, [acme, globex.id]),
        ("", "acme", .workspace(acme), nil), ("?workspace=\(acme)", "acme", .workspace(acme), nil),
      ] as [(String, String?, EventScope, [WorkspaceID]?)] {
        let answer = try await client.send("GET", path, headers: header.map { ["Rollcall-Workspace": $0] } ?? [:], base: Self.base)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(events.queries.entries.last?.scope == scope)
        #expect(events.queries.entries.last?.workspaces == filter)
      }
      for (path, header, status, words) in [
        ("?workspace=unknown", nil, 404, "'unknown'"), ("?workspace=acme,unknown", nil, 404, "'unknown'"),
        ("?workspace=globex", "acme", 400, "different workspaces"),
        ("/snapshot?workspace=acme,globex", nil, 400, "one workspace, or of all"),
        ("?workspace=" + Array(repeating: "a", count: 101).joined(separator: ","), nil, 400, "at most 100"),
        ("?after=\(events.cursor(1, of: .workspace(acme)).text)", nil, 400, "events of one workspace"),
        ("?workspace=globex&after=\(events.cursor(1, of: .workspace(acme)).text)", nil, 400, "events of one workspace"),
      ] as [(String, String?, Int, String)] {
        let answer = try await client.send("GET", path, headers: header.map { ["Rollcall-Workspace": $0] } ?? [:], base: Self.base)
        #expect(answer.status == status, "\(answer.text)")
        #expect(answer.detail.contains(words), "\(answer.text)")
      }
    }
  }

  @Test("says that the operator must configure the feed of all workspaces")
  func withoutFeed() async throws {
    var edge = Self.edge(StoredEvents(failure: DeploymentFeedMissing()))
    let token = edge.addDeploymentToken([.events])
    try await serving(edge, token: token) { client in
      for path in ["", "/snapshot"] {
        let answer = try await client.send("GET", path, base: Self.base)
        #expect(answer.status == 501)
        #expect(answer.detail.contains("ROLLCALL_DATABASE_FEED_URL"))
      }
    }
  }

  // MARK: - Waiting

  /// Serves `edge` with waiters that compare with the end of `events`.
  private static func servingWaits(
    _ edge: EdgeBuilder, _ events: StoredEvents,
    _ body: @Sendable (_ client: HTTPClient, _ waiters: EventWaiters, _ stopWaiting: @Sendable () async -> Void) async throws -> Void
  ) async throws {
    var edge = edge
    let workspace = edge.workspace
    let waiters = EventWaiters(interval: .milliseconds(1), logger: quiet) { _, _ in
      EventEnds(position: events.end, sequences: [workspace: events.end])
    }
    edge.eventWaiters = waiters
    let group = ServiceGroup(services: [waiters], logger: quiet)
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      try await serving(edge) { client in try await body(client, waiters) { await group.triggerGracefulShutdown() } }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("waits for an event, and not only for one of the wanted types")
  func waits() async throws {
    let events = StoredEvents()
    let edge = Self.edge(events)
    try await Self.servingWaits(edge, events) { client, waiters, _ in
      async let answer = client.send("GET", "?wait=30&types=access-revoked", base: Self.base)
      try await eventually("the request to wait") { waiters.count == 1 }
      events.append(.memberUpdated, in: edge.workspace)
      try await eventually("the request to pass over another event") { events.queries.entries.count == 2 && waiters.count == 1 }
      events.append(.accessRevoked, in: edge.workspace)
      #expect(Self.numbers(try await answer) == [2])
    }
  }

  @Test("answers with an empty page and a cursor if there is no event in time, and for HEAD at once")
  func noEvent() async throws {
    let events = StoredEvents()
    let edge = Self.edge(events)
    events.append(.memberInvited, in: edge.workspace)
    try await Self.servingWaits(edge, events) { client, waiters, _ in
      let answer = try await client.send("GET", "?wait=1&after=latest", base: Self.base)
      #expect(answer.status == 200)
      #expect(Self.numbers(answer) == [])
      #expect(EventCursor(answer.json["cursor"]?.string ?? "")?.number == 1)
      #expect(answer.json["hasMore"] == .bool(false))
      let head = try await client.send("HEAD", "?wait=30&after=latest", base: Self.base)
      #expect(head.status == 200 && head.body.isEmpty)
      #expect(waiters.count == 0)
    }
  }

  @Test("answers requests that wait with an empty page when the process shuts down")
  func shutdown() async throws {
    let events = StoredEvents()
    try await Self.servingWaits(Self.edge(events), events) { client, waiters, stopWaiting in
      async let answer = client.send("GET", "?wait=30", base: Self.base)
      try await eventually("the request to wait") { waiters.count == 1 }
      await stopWaiting()
      #expect(try await answer.status == 200)
      #expect(Self.numbers(try await answer) == [])
    }
  }

  @Test("limits the requests of a token that wait")
  func limit() async throws {
    let events = StoredEvents()
    let edge = Self.edge(events)
    try await Self.servingWaits(edge, events) { client, waiters, _ in
      async let first = client.send("GET", "?wait=30", base: Self.base)
      try await eventually("the request to wait") { waiters.count == 1 }
      let second = try await client.send("GET", "?wait=30", base: Self.base)
      #expect(second.status == 429)
      #expect(second.headers["retry-after"] != nil)
      #expect(second.detail.contains("requests that wait for events"))
      events.append(.memberInvited, in: edge.workspace)
      #expect(try await first.status == 200)
      // The place is free again.
      events.append(.memberInvited, in: edge.workspace)
      #expect(try await client.send("GET", "?wait=30", base: Self.base).status == 200)
    }
  }

  // MARK: - Snapshot

  @Test("streams a snapshot as lines of JSON, with the cursor first and last")
  func snapshot() async throws {
    let workspace = EdgeBuilder().workspace
    let (ana, ben, eva) = (UserID.made(at: Date()), UserID.made(at: Date()), UserID.made(at: Date()))
    let group = GroupID.made(at: Date())
    let events = StoredEvents(items: [
      .members: [ana, ben, eva].map {
        SnapshotItem(workspace: workspace, id: $0.resource, content: .member(DirectoryMember(id: $0, version: 3).json()))
      },
      .groups: [
        SnapshotItem(workspace: workspace, id: group.resource, content: .group(.init(id: group, displayName: "Data \"team\"", version: 2)))
      ],
      .memberships: [SnapshotItem(workspace: workspace, id: group.resource, content: .membership(ben))],
    ])
    events.append(.memberInvited, in: workspace)
    let edge = Self.edge(events)
    try await serving(edge) { client in
      // The second request shows that the first has released its place.
      for _ in 0..<2 {
        let answer = try await client.send("GET", "/snapshot", base: Self.base)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.headers["content-type"] == "application/x-ndjson")
        let lines = try answer.text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)).object ?? JSONObject() }
        #expect(lines.map { $0["type"]?.string } == ["snapshot", "member", "member", "member", "group", "membership", "end"])
        let cursor = try #require(EventCursor(lines[0]["cursor"]?.string ?? ""))
        #expect(cursor.number == 1)
        #expect(cursor.scope == .workspace(edge.workspace))
        #expect(lines[1...3].map { $0["member"]?.object?["id"]?.string } == [ana, ben, eva].map(\.description))
        #expect(lines[4]["group"]?.object?["displayName"]?.string == "Data \"team\"")
        #expect(lines[5]["group"]?.string == group.description)
        #expect(lines[5]["member"]?.string == ben.description)
        #expect(lines[1...5].allSatisfy { $0["workspace"]?.string == workspace.description })
        #expect(lines[6]["cursor"] == lines[0]["cursor"])
        #expect(lines[6]["members"]?.integer == 3 && lines[6]["groups"]?.integer == 1 && lines[6]["memberships"]?.integer == 1)
      }
      let head = try await client.send("HEAD", "/snapshot", base: Self.base)
      #expect(head.status == 200 && head.body.isEmpty)
    }
  }
}
