import Foundation
import Models
import Postgres
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIM
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Query plans", .timeLimit(.minutes(10)))
struct QueryPlanTests {
  /// A query that must use an index.
  struct IndexedQuery: Sendable, CustomTestStringConvertible {
    var kind = ResourceKind.user
    var filter: String?
    var sortBy: String?
    var from: CursorPosition?
    /// The index that narrows the search.
    var index: String

    var testDescription: String { "\(kind) \(filter ?? "") \(sortBy ?? "") \(from.map { _ in "from a place on" } ?? "")" }
  }

  private static let id = "0192f7a0-0000-7000-8000-000000000007"

  private static var indexedQueries: [IndexedQuery] {
    get throws {
      let place = CursorPosition(key: nil, kind: .user, id: try #require(ResourceID(id)))
      let key = CursorPosition(key: "person-7@example.com", kind: .user, id: place.id)
      let time = CursorPosition(key: "2026-01-01 00:00:07+00", kind: .user, id: place.id)
      let groupTime = CursorPosition(key: time.key, kind: .group, id: place.id)
      return [
        IndexedQuery(filter: #"userName eq "person-7@example.com""#, index: "users_user_name_key"),
        IndexedQuery(filter: #"externalId eq "ext-7""#, index: "users_by_external_id"),
        IndexedQuery(filter: #"id eq "\#(id)""#, index: "users_pkey"),
        IndexedQuery(filter: #"emails.value eq "person-7@example.com""#, index: "Function Scan on users_by_other_email"),
        IndexedQuery(filter: #"emails[type eq "work"].value eq "person-7@example.com""#, index: "users_by_email"),
        IndexedQuery(filter: #"displayName eq "Person 7""#, index: "users_by_name"),
        IndexedQuery(filter: #"groups.value eq "\#(id)""#, index: "memberships_pkey"),
        IndexedQuery(filter: #"groups[value eq "\#(id)"]"#, index: "memberships_pkey"),
        // With users_by_state or users_by_name, no user in another state is read.
        IndexedQuery(filter: "active eq false", index: "AND (state = 'disabled'::text))"),
        IndexedQuery(filter: #"meta.lastModified gt "2026-01-01T02:46:30Z""#, index: "modifications_pkey"),
        IndexedQuery(filter: #"meta.lastModified gt "2026-01-01T02:46:30Z" and title pr"#, index: "modifications_pkey"),
        IndexedQuery(filter: #"id eq "\#(id)" and manager eq "7""#, index: "users_pkey"),
        IndexedQuery(filter: #"userName eq "person-7@example.com" or externalId eq "ext-8""#, index: "BitmapOr"),
        IndexedQuery(from: place, index: "users_pkey"), IndexedQuery(sortBy: "userName", from: key, index: "users_user_name_key"),
        IndexedQuery(sortBy: "meta.lastModified", from: time, index: "modifications_pkey"),
        IndexedQuery(filter: #"userName eq "person-7@example.com""#, sortBy: "meta.lastModified", from: time, index: "users_user_name_key"),
        IndexedQuery(kind: .group, sortBy: "meta.lastModified", from: groupTime, index: "modifications_pkey"),
        IndexedQuery(kind: .group, filter: #"displayName eq "Team 7""#, index: "groups_display_name_key"),
        IndexedQuery(kind: .group, filter: #"members.value eq "\#(id)""#, index: "memberships_by_user"),
        IndexedQuery(kind: .group, filter: #"externalId eq "ext-7""#, index: "groups_by_external_id"),
        IndexedQuery(kind: .group, filter: #"meta.lastModified gt "2026-01-01T02:46:30Z""#, index: "modifications_pkey"),
      ]
    }
  }

  /// What the planner knows, and how many users are disabled.
  enum Statistics: CaseIterable {
    case none, fewDisabled, manyDisabled
  }

  @Test("Look-ups of identity providers use an index in their generic plan", arguments: Statistics.allCases)
  func plans(with statistics: Statistics) async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 10_000, groups: 2000)
    if statistics == .manyDisabled {
      try await store.write("update identity.users set state = 'disabled' where user_name not like '%7@example.com'", [])
    }
    if statistics != .none { try await store.write("analyze", []) }
    for indexed in try Self.indexedQueries {
      // If most users are disabled, no index narrows the search for them.
      if statistics == .manyDisabled, indexed.filter == "active eq false" { continue }
      // Before the first statistics, PostgreSQL takes a workspace to have so few groups that it reads them all.
      if statistics == .none, indexed.kind == .group, indexed.filter?.contains("lastModified gt") == true { continue }
      let query = try DatabaseReadsTests.query(
        indexed.kind, indexed.filter, sortBy: indexed.sortBy,
        part: indexed.from.map { .from($0, count: 100) } ?? .page(Page(startIndex: 1, count: 100)))
      let list = ListStatement(query, in: store.workspace)
      let plan = try await store.genericPlan(of: list.statement, list.parameters)
      #expect(plan.contains(indexed.index), "\(indexed.testDescription):\n\(plan)")
      #expect(!plan.contains("Seq Scan on"), "\(indexed.testDescription):\n\(plan)")
      // Not every resource of the workspace.
      #expect(!plan.contains("Cond: (workspace_id = $1)\n"), "\(indexed.testDescription):\n\(plan)")
    }
    await store.close()
  }

  @Test("A page of all users reads one range of the users and one of their memberships", arguments: [Statistics.none, .fewDisabled])
  func pagesOfUsers(with statistics: Statistics) async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 10_000, groups: 2000)
    if statistics != .none { try await store.write("analyze", []) }
    let place = CursorPosition(key: nil, kind: .user, id: try #require(ResourceID(Self.id)))
    let parts: [(part: ResourceQuery.Part, range: String)] = [
      (.page(Page(startIndex: 5001, count: 100)), "(id >= "), (.from(nil, count: 100), "(workspace_id = $1)"),
      (.from(place, count: 100), "(id > $3)"), (.from(place.going(forward: false), count: 100), "(id < $3)"),
    ]
    for (part, range) in parts {
      let query = try DatabaseReadsTests.query(.user, part: part, withRows: true)
      let list = try #require(UserListStatement(query, in: store.workspace))
      #expect(list.statement.isKept)
      let plan = try await store.genericPlan(of: list.statement, list.parameters)
      #expect(plan.contains("memberships_by_user"), "\(plan)")
      #expect(plan.contains("(user_id >= "), "\(plan)")
      #expect(plan.contains("users_pkey on users"), "\(plan)")
      #expect(plan.contains(range), "\(plan)")
      #expect(!plan.contains("Seq Scan on"), "\(plan)")
    }
    let others = [
      try DatabaseReadsTests.query(.group, part: parts[0].part), try DatabaseReadsTests.query(.user, "title pr", part: parts[0].part),
      try DatabaseReadsTests.query(.user, sortBy: "userName", part: parts[0].part),
    ]
    #expect(others.allSatisfy { UserListStatement($0, in: store.workspace) == nil })
    await store.close()
  }

  @Test("Every index has a comment that names the queries that need it")
  func comments() async throws {
    let store = try await StoreBuilder.start()
    let rows = try await store.owner.query(
      Statement(
        once: "indexes",
        """
        select i.relname::text
        from pg_index x
        join pg_class i on i.oid = x.indexrelid
        join pg_class t on t.oid = x.indrelid
        where i.relnamespace = 'identity'::regnamespace
        -- The indexes of a partition are those of its table.
        and not t.relispartition
        and coalesce(obj_description(i.oid, 'pg_class'), '') = ''
        order by 1
        """))
    #expect(try rows.map { try $0.string(0) } == [], "Which query needs it? See identity/020-cheaper-updates.sql.")
    await store.close()
  }

  @Test("An update that changes no name, address or state writes no index")
  func heapOnlyUpdates() async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 100, groups: 10)
    let updates = Statement(
      once: "updates",
      """
      select sum(n_tup_upd)::int8, sum(n_tup_hot_upd)::int8
      from pg_stat_user_tables
      where schemaname = 'identity'
      and relname in ('users', 'groups')
      """)
    try await store.write("update identity.users set version = 2, modified_at = now(), document = document where id::text like '%7'", [])
    try await store.write("update identity.groups set version = 2, modified_at = now(), document = document", [])
    // Statistics arrive after the transaction.
    try await eventually("the statistics of the updates") {
      let row = try #require(try await store.owner.query(updates).first)
      return try row.int(0) == 20 && row.int(1) == 20
    }
    let modified = Statement(
      once: "modified",
      """
      select count(*)
      from identity.modifications m
      join (
        select workspace_id, 'User' as type, modified_at, id from identity.users
        union all
        select workspace_id, 'Group', modified_at, id from identity.groups
      ) r using (workspace_id, type, modified_at, id)
      """)
    #expect(try await store.owner.query(modified).first?.int(0) == 110)
    try await store.write("delete from identity.users where id::text like '%7'", [])
    #expect(try await store.owner.query(Statement(once: "all", "select count(*) from identity.modifications")).first?.int(0) == 100)
    await store.close()
  }

  @Test("IndexedQuery-ups are kept as prepared statements, other filters are not")
  func preparedStatements() throws {
    func statement(_ filter: String?, sortBy: String? = nil) throws -> Statement {
      let query = try DatabaseReadsTests.query(.user, filter, sortBy: sortBy, part: .page(Page(startIndex: 1, count: 10)))
      return ListStatement(query, in: .made(at: Date())).statement
    }
    #expect(try statement(nil).isKept)
    #expect(try statement(#"userName eq "a""#).isKept)
    #expect(try statement(#"userName eq "a""#) == statement(#"userName eq "b""#))
    #expect(try statement(#"emails[type eq "work"].value eq "a""#) == statement(#"emails[type eq "home" and value eq "b"]"#))
    #expect(try statement(#"id eq "\#(Self.id)""#).isKept)
    #expect(try !statement(#"id eq "none of ours""#).isKept)
    #expect(try !statement(#"userName sw "a""#).isKept)
    #expect(try !statement(#"userName eq "a" and title pr"#).isKept)
    #expect(try !statement(nil, sortBy: "userName").isKept)
  }
}

extension StoreBuilder {
  /// The same number of users and groups, with each user in two groups.
  func insertWorkforce(of users: Int, groups: Int) async throws {
    try await write(
      """
      insert into identity.users
      (workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, email, email_key, state, role, version,
       created_at, modified_at, document)
      select
        $1, ('0192f7a0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'person-' || n || '@example.com', 'person-' || n || '@example.com',
        '', 'ext-' || n, 'Person ' || n, 'person-' || n || '@example.com', 'person-' || n || '@example.com',
        case when n % 100 = 0 then 'disabled' else 'invited' end, 'viewer', 1, now(), timestamptz '2026-01-01 00:00Z' + make_interval(secs => n),
        '{"userName":"person-' || n || '@example.com","displayName":"Person ' || n || '","emails":[{"type":"work","value":"person-' || n
        || '@example.com"}],"active":true,"meta":{"resourceType":"User"'
      from generate_series(1, $2::int8) as n
      """, [.uuid(workspace.uuid), .int(Int64(users))])
    try await write(
      """
      insert into identity.groups
      (workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document)
      select
        $1, ('0192f7a0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Team ' || n, 'team ' || n, 'ext-' || n, 1, now(),
        timestamptz '2026-01-01 00:00Z' + make_interval(secs => n), '{"displayName":"Team ' || n || '","meta":{"resourceType":"Group"'
      from generate_series(1, $2::int8) as n
      """, [.uuid(workspace.uuid), .int(Int64(groups))])
    try await write(
      """
      insert into identity.memberships (workspace_id, group_id, user_id)
      select u.workspace_id, g.id, u.id
      from (select *, row_number() over (order by id) as n from identity.users) u
      cross join lateral (values (u.n % $1::int8 + 1), ((u.n * 7 + 3) % $1::int8 + 1)) as t (n)
      join (select *, row_number() over (order by id) as n from identity.groups) g on g.n = t.n
      on conflict do nothing
      """, [.int(Int64(groups))])
  }

  /// The generic plan of a statement on the connections for reads.
  func genericPlan(of statement: Statement, _ parameters: [PostgresValue]) async throws -> String {
    let types = parameters.map { value in
      switch value {
      case .int: "int8"
      case .text: "text"
      case .uuid: "uuid"
      case .timestamp: "timestamptz"
      case .textArray: "text[]"
      default: "unknown"
      }
    }
    return try await reader.withExclusiveConnection { session in
      _ = try await session.query(
        Statement(once: "prepare", "prepare planned (\(types.joined(separator: ", "))) as \(statement.sql)"))
      let nulls = types.map { _ in "null" }.joined(separator: ", ")
      let rows = try await session.query(Statement(once: "explain", "explain (costs off) execute planned (\(nulls))"))
      // Conditions are long for case-insensitive comparisons.
      return try rows.map { String(try $0.string(0).prefix(200)) }.joined(separator: "\n")
    }
  }
}
