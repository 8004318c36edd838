import Foundation
import Logging
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("The directory API", .timeLimit(.minutes(10)))
struct DirectoryTests {
  private static let base = ResourcePath.directory

  private func edge(scopes: Set<TokenScope> = [.directory]) -> EdgeBuilder {
    var edge = EdgeBuilder()
    edge.scopes = scopes
    // The plan and SAML SSO are not checked, because the directory belongs to the product.
    edge.settings.plan = .free
    edge.directory = StoredDirectory(
      groups: (1...7).map { DirectoryGroup(id: Self.id($0), displayName: "Group \($0)") },
      members: (1...5).map { DirectoryPerson(id: Self.id($0), state: $0 == 5 ? .invited : .active, email: "\($0)@example.com") })
    return edge
  }

  private static func id<Subject>(_ number: Int) -> Identifier<Subject> {
    .made(at: Date(timeIntervalSince1970: 1_767_225_600 + Double(number)))
  }

  @Test("returns lists in pages, in order, with cursors that are valid only for their list")
  func parts() async throws {
    let builder = edge()
    try await serving(builder) { client in
      var names: [String] = []
      var cursor: String?
      var cursors: [String] = []
      repeat {
        let answer = try await client.send("GET", "/groups?limit=3" + (cursor.map { "&cursor=\($0)" } ?? ""), base: Self.base)
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
        names += answer.json["groups"]?.array?.compactMap { $0.object?["displayName"]?.string } ?? []
        cursor = answer.json["nextCursor"]?.string
        if let cursor { cursors.append(cursor) }
      } while cursor != nil
      #expect(names == (1...7).map { "Group \($0)" })
      #expect(cursors.count == 2)
      let other = try await client.send("GET", "/members?cursor=\(cursors[0])", base: Self.base)
      #expect(other.status == 400)
      #expect(other.headers["content-type"] == ProblemDetails.mediaType)
      #expect(other.json["type"]?.string == ProblemDetails.Kind.invalidCursor.uri)
    }
  }

  @Test("returns members by state, active ones by default")
  func members() async throws {
    for (query, expected) in [
      ("", (1...4).map { "\($0)@example.com" }), ("?state=invited", ["5@example.com"]), ("?state=disabled", []),
    ] {
      try await serving(edge()) { client in
        let answer = try await client.send("GET", "/members\(query)", base: Self.base)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.json["members"]?.array?.compactMap { $0.object?["email"]?.string } == expected)
      }
    }
  }

  @Test(
    "explains errors",
    arguments: [
      ("/members?state=gone", 400, "active, invited or disabled"), ("/groups?limit=0", 400, "from 1 to 200"),
      ("/groups?limit=201", 400, "from 1 to 200"), ("/groups?limit=many", 400, "whole number"),
      ("/groups?cursor=abc", 400, "cursor"), ("/groups/nothing/members", 404, "has no group 'nothing'"),
      ("/groups/01997b5e-8c20-7c03-8e50-2c7403f8db13/members", 404, "has no group"),
      ("/groups/01997b5e-8c20-7c03-8e50-2c7403f8db13/members?state=active", 400, "visible, pending, held or all"),
      ("/receipts?member=ana", 400, "id of a person"), ("/receipts/1", 404, "no receipt '1'"), ("/nothing", 404, "nothing at"),
    ])
  func refusals(path: String, status: Int, words: String) async throws {
    try await serving(edge()) { client in
      let answer = try await client.send("GET", path, base: Self.base)
      #expect(answer.status == status)
      #expect(answer.detail.contains(words), "\(answer.text)")
    }
  }

  @Test("requires a token with the scope 'directory'")
  func scope() async throws {
    try await serving(edge(scopes: [.scim, .signIns, .admin])) { client in
      let answer = try await client.send("GET", "/groups", base: Self.base)
      #expect(answer.status == 403)
      #expect(answer.detail.contains("'directory'"))
    }
  }

  @Test("reads the tables of group-sync with the role of scim-api, ordered by id, only in its workspace")
  func database() async throws {
    let server = try await PostgresServer.shared()
    let name = try await server.createDatabase(migrations: SchemaMigrations.all)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: name, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: "DirectoryTests", maximumWait: PostgresServer.testTimeout,
          planning: role == "scim_api" ? .onceByIndex : .adaptive),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
    let (owner, reader) = (pool("group_sync"), pool("scim_api"))
    let (here, there) = (WorkspaceID.made(at: Date()), WorkspaceID.made(at: Date()))
    let (team, gone): (GroupID, GroupID) = (Self.id(1), Self.id(2))
    let people: [UserID] = (1...4).map { Self.id($0) }
    func write(_ sql: String, _ parameters: [PostgresValue]) async throws {
      _ = try await owner.query(Statement(once: "test", sql), parameters)
    }
    for workspace in [here, there] {
      for (group, name) in [(team, "Data team" as String?), (gone, nil)] {
        try await write(
          "insert into directory.groups (workspace_id, id, display_name, version, part, complete) values ($1, $2, $3, 1, 0, true)",
          [.uuid(workspace.uuid), .uuid(group.uuid), .optional(name, PostgresValue.text)])
      }
    }
    for (person, state) in zip(people, ["active", "invited", "disabled"]) {
      try await write(
        "insert into directory.members (workspace_id, id, state, email, version) values ($1, $2, $3, $4, 1)",
        [.uuid(here.uuid), .uuid(person.uuid), .text(state), .text("\(state)@example.com")])
    }
    for person in people {
      try await write("insert into directory.memberships values ($1, $2, $3)", [.uuid(here.uuid), .uuid(team.uuid), .uuid(person.uuid)])
    }
    let receipts = (1...3).map { number in
      DeprovisionReceipt(
        id: Self.id(number), workspace: here, member: people[number == 2 ? 1 : 2], memberVersion: 2, reason: .disabled,
        revokedAt: Date(timeIntervalSince1970: Double(number)), invitationRevoked: false, groups: [], events: [])
    }
    for receipt in receipts {
      try await write(
        "insert into directory.receipts values ($1, $2, $3, $4, $5, $6)",
        [
          .uuid(here.uuid), .uuid(receipt.id.uuid), .uuid(receipt.member.uuid), .text("disabled"), .timestamp(receipt.revokedAt),
          .text(String(decoding: try JSONData.encode(receipt), as: UTF8.self)),
        ])
    }
    // Receipts never change.
    await #expect(throws: PostgresError.self) { try await write("delete from directory.receipts", []) }

    let directory = DatabaseDirectory(database: Database(pool: reader, retryTimeout: .seconds(5)))
    #expect(try await directory.groups(after: nil, limit: 10, in: here) == [DirectoryGroup(id: team, displayName: "Data team")])
    #expect(try await directory.groups(after: team, limit: 10, in: here) == [])
    #expect(try await directory.group(gone, in: here) == nil)
    let all = try await directory.members(of: team, status: nil, after: nil, limit: 10, in: here)
    #expect(all.map(\.id) == people)
    #expect(all.map(\.status) == ["visible", "pending", "held", "pending"])
    #expect(all.map { $0.waitsFor != nil } == [false, true, true, true])
    for (status, expected) in [(MembershipStatus.visible, [people[0]]), (.pending, [people[1], people[3]]), (.held, [people[2]])] {
      #expect(try await directory.members(of: team, status: status, after: nil, limit: 10, in: here).map(\.id) == expected)
    }
    #expect(try await directory.members(of: team, status: .pending, after: people[1], limit: 1, in: here).map(\.id) == [people[3]])
    #expect(try await directory.members(of: team, status: nil, after: nil, limit: 10, in: there) == [])
    #expect(try await directory.members(in: .invited, after: nil, limit: 10, in: here).map(\.email) == ["invited@example.com"])
    #expect(try await directory.receipts(of: nil, before: nil, limit: 2, in: here) == [receipts[2], receipts[1]])
    #expect(try await directory.receipts(of: nil, before: receipts[1].id, limit: 2, in: here) == [receipts[0]])
    #expect(try await directory.receipts(of: people[2], before: nil, limit: 5, in: here) == [receipts[2], receipts[0]])
    #expect(try await directory.receipt(receipts[0].id, in: here) == receipts[0])
    #expect(try await directory.receipt(receipts[0].id, in: there) == nil)
    await owner.close()
    await reader.close()
  }
}

/// A directory in memory.
struct StoredDirectory: DirectoryReads {
  var groups: [DirectoryGroup] = []
  var members: [DirectoryPerson] = []
  /// The public keys of security event tokens.
  var keys: [String] = []

  func groups(after: GroupID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryGroup] {
    Array(groups.filter { group in after.map { $0 < group.id } ?? true }.prefix(limit))
  }

  func group(_ id: GroupID, in workspace: WorkspaceID) async throws -> DirectoryGroup? { groups.first { $0.id == id } }

  func members(
    of group: GroupID, status: MembershipStatus?, after: UserID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DirectoryPerson] { [] }

  func members(in state: UserState, after: UserID?, limit: Int, in workspace: WorkspaceID) async throws -> [DirectoryPerson] {
    Array(members.filter { member in member.state == state && after.map { $0 < member.id } ?? true }.prefix(limit))
  }

  func receipts(
    of member: UserID?, before: ReceiptID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> [DeprovisionReceipt] { [] }

  func receipt(_ id: ReceiptID, in workspace: WorkspaceID) async throws -> DeprovisionReceipt? { nil }

  func signingKeys() async throws -> [String] { keys }
}
