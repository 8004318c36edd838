import Credentials
import Crypto
import Foundation
import Logging
import Migrations
import Models
import Postgres
import SCIM
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Database reads", .timeLimit(.minutes(10)))
struct DatabaseReadsTests {
  @Test("The read-only role reads resources, lists, tombstones, tokens and recorded replies")
  func reads() async throws {
    let store = try await StoreBuilder.start()
    let reads = DatabaseReads(database: store.database)
    let workspace = store.workspace
    let users = try await store.insertUsers(["ana", "ben", "cleo"])
    let groups = try await store.insertGroups(["Data team", "Sales"])
    try await store.insertMembership(group: groups[0], user: users[0])
    try await store.insertMembership(group: groups[0], user: users[1])
    try await store.insertMembership(group: groups[1], user: users[0])

    let ana = try #require(try await reads.resource(.user, users[0], withRows: true, in: workspace))
    #expect(ana.resource.id == users[0])
    #expect(ana.resource.version == 1)
    #expect(ana.rows == [ReferredResource(id: groups[0], display: "Data team"), ReferredResource(id: groups[1], display: "Sales")])
    let team = try #require(try await reads.resource(.group, groups[0], withRows: true, in: workspace))
    // ben has no displayName.
    #expect(
      team.rows == [ReferredResource(id: users[0], display: "Name of ana"), ReferredResource(id: users[1], display: nil)])
    #expect(try await reads.resource(.group, groups[0], withRows: false, in: workspace)?.rows == nil)
    #expect(try await reads.resource(.user, users[2], withRows: true, in: workspace)?.rows == [])
    #expect(try await reads.resource(.user, users[0], withRows: true, in: .made(at: Date())) == nil)
    #expect(try await reads.resource(.group, users[0], withRows: true, in: workspace) == nil)

    // A group with more members than fit in memory: the first are read with the group, and all of them page by page.
    try await store.insertCrowd(of: 2500, into: groups[1])
    let crowd = try #require(try await reads.resource(.group, groups[1], withRows: true, in: workspace))
    #expect(crowd.rows?.count == FoundResource.maximumRows)
    #expect(crowd.hasMoreRows)
    var seen: [ResourceID] = []
    for try await part in reads.parts(of: .group, groups[1], in: workspace) {
      switch part {
      case .resource(let resource): #expect(resource == crowd.resource)
      case .rows(let rows):
        #expect(rows.count <= FoundResource.maximumRows)
        seen += rows.map(\.id)
      }
    }
    #expect(seen.count == 2501)
    #expect(seen == seen.sorted())
    #expect(Set(seen).count == seen.count)
    await #expect(throws: ResourceGone.self) {
      for try await _ in reads.parts(of: .group, .made(at: Date()), in: workspace) {}
    }
    try await store.removeCrowd()

    func list(
      _ kind: ResourceKind, _ filter: String? = nil, startIndex: Int = 1, count: Int = 100, withRows: Bool = true
    ) async throws -> (total: Int?, ids: [ResourceID]) {
      let page = ResourceQuery.Part.page(Page(startIndex: startIndex, count: count))
      let found = try await reads.list(try Self.query(kind, filter, part: page, withRows: withRows), in: workspace)
      #expect(found.resources.allSatisfy { $0.kind == kind && ($0.found.rows != nil) == withRows })
      return (found.total, found.resources.map(\.found.resource.id))
    }
    #expect(try await list(.user) == (3, users))
    #expect(try await list(.user, withRows: false) == (3, users))
    #expect(try await list(.user, startIndex: 2, count: 1) == (3, [users[1]]))
    #expect(try await list(.user, startIndex: 4) == (3, []))
    #expect(try await list(.group, count: 0) == (2, []))
    let filters: [(ResourceKind, String, [ResourceID])] = [
      (.user, #"id eq "\#(users[1])""#, [users[1]]), (.user, #"userName eq "BEN@example.com""#, [users[1]]),
      (.user, #"userName eq "nobody""#, []), (.user, #"externalId eq "ext-cleo""#, [users[2]]),
      (.user, #"emails.value eq "Ana@example.com""#, [users[0]]),
      (.user, #"emails[type eq "work"].value eq "ana@example.com""#, [users[0]]),
      (.user, #"emails[type eq "home"].value eq "ana@example.com""#, []),
      (.user, #"groups.value eq "\#(groups[0])""#, [users[0], users[1]]),
      (.user, #"userName eq "ben@example.com" and groups.value eq "\#(groups[1])""#, []),
      (.user, #"not (userName sw "a")"#, [users[1], users[2]]), (.group, #"displayName eq "sales""#, [groups[1]]),
      (.group, #"members.value eq "\#(users[1])""#, [groups[0]]), (.group, #"members[value eq "\#(users[0])"]"#, groups),
      (.group, #"id eq "\#(groups[1])" and members eq "\#(users[1])""#, []), (.group, #"externalId eq "ext-Sales""#, [groups[1]]),
    ]
    for (kind, filter, ids) in filters {
      #expect(try await list(kind, filter) == (ids.count, ids), "\(filter)")
    }

    // A deleted user whose userName another user has now.
    let gone = ResourceID.made(at: Date())
    try await store.insertTombstone(of: gone, named: "ana")
    let remains = try #require(try await reads.remains(of: .user, gone, in: workspace))
    #expect(remains.successor == DeletedResource.Successor(id: users[0], userName: "ana@example.com"))
    #expect(try await reads.remains(of: .group, gone, in: workspace) == nil)

    let token = AccessToken.made(for: workspace)
    let digest = Array(SHA256.hash(data: Data(token.text.utf8)))
    #expect(try await TokenLookup(database: store.database).token(workspace, digest: digest) == nil)
    try await store.insertToken(digest: digest, scopes: ["scim", "of-a-later-build"])
    let record = try #require(try await TokenLookup(database: store.database).token(workspace, digest: digest))
    #expect(record.scopes == [.scim])
    #expect(record.settings == store.settings)

    let command = CommandID.made(at: Date())
    #expect(try await store.database.recordedReplies(to: [command], in: workspace).isEmpty)
    let reply = Reply(command: command, outcome: .resource(EdgeBuilder.user("ana@example.com"), created: true))
    try await store.insertReply(reply)
    #expect(try await store.database.recordedReplies(to: [.made(at: Date()), command], in: workspace) == [command: reply])

    // Replies of this release have no document: it is that of the present user or group, until that is deleted.
    let written = [users[1], groups[0], .made(at: Date())].map { id in
      Reply(
        command: .made(at: Date()), outcome: .resource(StoredResource(id: id, version: 1, modifiedAt: Date(), document: []), created: true))
    }
    for reply in written { try await store.insertReply(reply) }
    let recorded = try await store.database.recordedReplies(to: written.map(\.command), in: workspace)
    for (reply, kind) in zip(written, [ResourceKind.user, .group]) {
      let id = try #require(reply.resourceWithoutDocument)
      let present = try #require(try await reads.resource(kind, id, withRows: false, in: workspace)).resource
      #expect(recorded[reply.command]?.outcome == .resource(present, created: true))
    }
    #expect(recorded[written[2].command]?.resourceWithoutDocument == written[2].resourceWithoutDocument)
    await store.close()
  }
}

extension DatabaseReadsTests {
  /// A query for one resource type.
  static func query(
    _ kind: ResourceKind, _ filter: String? = nil, sortBy: String? = nil, ascending: Bool = true, part: ResourceQuery.Part,
    withRows: Bool = false
  ) throws -> ResourceQuery {
    let schema = kind.schema(in: ResourceSchemas())
    let source = ResourceQuery.Source(
      kind: kind, filter: try filter.map { try Filter(parsing: $0).typed(for: schema) }, sortBy: try sortBy.flatMap(schema.sortAttribute),
      withRows: withRows)
    return ResourceQuery(
      sources: [source], ascending: ascending, part: part, base: BaseURL(site: "https://app.example.com"))
  }
}

/// A database with one workspace, written by its owner and read with the role of scim-api.
struct StoreBuilder: Sendable {
  let server: PostgresServer
  let name: String
  let owner: PostgresPool
  let reader: PostgresPool
  let workspace = WorkspaceID.made(at: Date())
  let settings = EdgeBuilder().settings

  var database: Database { Database(pool: reader, retryTimeout: .seconds(5)) }

  /// - Parameter server: the server of the database; by default, one of its own.
  static func start(migrations: [Migration] = SchemaMigrations.identity, on server: PostgresServer? = nil) async throws -> StoreBuilder {
    let server = if let server { server } else { try await PostgresServer.start() }
    let name = try await server.createDatabase(migrations: migrations)
    func pool(_ role: String) -> PostgresPool {
      PostgresPool(
        PostgresConfiguration(
          url: server.url(database: name, role: role), connections: 1, statementTimeout: PostgresServer.testTimeout,
          applicationName: "SCIMAPITests", maximumWait: PostgresServer.testTimeout,
          planning: role == "scim_api" ? .onceByIndex : .adaptive),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }
    let store = StoreBuilder(server: server, name: name, owner: pool("postgres"), reader: pool("scim_api"))
    try await store.write(
      "insert into identity.workspaces values ($1, 'acme', $2, 1, now(), now())",
      [.uuid(store.workspace.uuid), .json(try JSONData.encode(store.settings))])
    return store
  }

  func close() async {
    await owner.close()
    await reader.close()
  }

  /// Every second user has no displayName.
  func insertUsers(_ names: [String]) async throws -> [ResourceID] {
    var ids: [ResourceID] = []
    for (index, name) in names.enumerated() {
      let user = EdgeBuilder.user("\(name)@example.com", id: Self.id(index))
      try await write(
        """
        insert into identity.users
        (workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, email, email_key, state, role, version,
         created_at, modified_at, document)
        values ($1, $2, $3, $3, $4, $5, $6, $3, $3, 'invited', 'viewer', 1, now(), now(), $7)
        """,
        [
          .uuid(workspace.uuid), .uuid(user.id.uuid), .text("\(name)@example.com"), .bytes(Array(name.utf8)), .text("ext-\(name)"),
          index % 2 == 0 ? .text("Name of \(name)") : .null, .text(String(decoding: user.document, as: UTF8.self)),
        ])
      ids.append(user.id)
    }
    return ids
  }

  func insertGroups(_ names: [String]) async throws -> [ResourceID] {
    var ids: [ResourceID] = []
    for (index, name) in names.enumerated() {
      let group = EdgeBuilder.group(name, id: Self.id(index))
      try await write(
        """
        insert into identity.groups
        (workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document)
        values ($1, $2, $3, $4, $5, 1, now(), now(), $6)
        """,
        [
          .uuid(workspace.uuid), .uuid(group.id.uuid), .text(name), .text(name.lowercased()), .text("ext-\(name)"),
          .text(String(decoding: group.document, as: UTF8.self)),
        ])
      ids.append(group.id)
    }
    return ids
  }

  func insertMembership(group: ResourceID, user: ResourceID) async throws {
    try await write(
      "insert into identity.memberships (workspace_id, group_id, user_id) values ($1, $2, $3)",
      [.uuid(workspace.uuid), .uuid(group.uuid), .uuid(user.uuid)])
  }

  func insertCrowd(of count: Int, into group: ResourceID) async throws {
    try await write(
      """
      with crowd as (
        insert into identity.users
        (workspace_id, id, user_name, user_name_key, user_name_hash, state, role, version, created_at, modified_at, document)
        select $1, gen_random_uuid(), 'crowd-' || n, 'crowd-' || n, '', 'invited', 'viewer', 1, now(), now(), '{}'
        from generate_series(1, $3::int8) n
        returning id
      )
      insert into identity.memberships (workspace_id, group_id, user_id)
      select $1, $2, id from crowd
      """, [.uuid(workspace.uuid), .uuid(group.uuid), .int(Int64(count))])
  }

  func removeCrowd() async throws {
    try await write(
      """
      with crowd as (
        delete from identity.users where user_name like 'crowd-%' and workspace_id = $1 returning id
      )
      delete from identity.memberships where user_id in (select id from crowd)
      """, [.uuid(workspace.uuid)])
  }

  func insertTombstone(of id: ResourceID, named name: String) async throws {
    try await write(
      "insert into identity.tombstones (workspace_id, id, type, user_name_hash, deleted_at) values ($1, $2, 'User', $3, now())",
      [.uuid(workspace.uuid), .uuid(id.uuid), .bytes(Array(name.utf8))])
  }

  func insertToken(digest: [UInt8], scopes: [String]) async throws {
    try await write(
      """
      insert into identity.tokens (workspace_id, id, name, digest, scopes, created_by, created_at)
      values ($1, $2, 'Okta', $3, $4, 'test', now())
      """,
      [.uuid(workspace.uuid), .uuid(TokenID.made(at: Date()).uuid), .bytes(digest), .textArray(scopes)])
  }

  func insertReply(_ reply: Reply) async throws {
    let (attributes, data) = reply.encoded()
    try await write(
      "insert into identity.replies (workspace_id, command_id, attributes, data) values ($1, $2, $3, $4)",
      [.uuid(workspace.uuid), .uuid(reply.command.uuid), .textArray(attributes.pairs), .bytes(data)])
  }

  func write(_ sql: String, _ parameters: [PostgresValue]) async throws {
    _ = try await owner.query(Statement(once: "test", sql), parameters)
  }

  /// Ids that sort by their number.
  private static func id(_ number: Int) -> ResourceID {
    .made(at: Date(timeIntervalSince1970: 1_767_225_600 + Double(number)))
  }
}
