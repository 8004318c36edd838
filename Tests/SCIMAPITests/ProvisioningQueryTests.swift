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
@testable import ProvisioningLog
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Queries of the provisioning pages", .timeLimit(.minutes(10)))
struct ProvisioningQueryTests {
  /// The user with the name `person-<n>@example.com`.
  private static func user(_ number: Int) -> String { "0192f7a0-0000-7000-8000-\(String(format: "%012d", number))" }

  @Test("The log is read in pages, filtered by failure, cause, time, name and id, only in its own workspace")
  func log() async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 50, groups: 2)
    try await store.insertLog(of: 2000, over: 5 * 86_400)
    let log = LogRepository(store.database, in: store.workspace)
    func part(
      after last: LogEntryID? = nil, limit: Int = 10_000, in workspace: WorkspaceID? = nil,
      _ change: (inout LogRepository.Filter) -> Void = { _ in }
    ) async throws -> [LogRepository.Listed] {
      var filter = LogRepository.Filter()
      change(&filter)
      return try await log.page(of: filter, after: last, limit: limit, in: workspace ?? store.workspace)
    }
    let all = try await part()
    #expect(all.count == 2000)
    #expect(all.map(\.entry.id) == all.map(\.entry.id).sorted(by: >))
    #expect(all.first?.presentName?.hasPrefix("person-") == true)
    var parts: [LogEntryID] = []
    while true {
      let next = try await part(after: parts.last, limit: 300).map(\.entry.id)
      if next.isEmpty { break }
      parts += next
    }
    #expect(parts == all.map(\.entry.id))
    #expect(try await part { $0.failedOnly = true }.map(\.entry.id) == all.filter(\.entry.isFailure).map(\.entry.id))
    let stale = try await part { $0.cause = .staleUser }
    #expect(stale.count == 40 && stale.allSatisfy { $0.cause == .staleUser && $0.entry.status == 404 })
    #expect(try await part { $0.cause = .tooLarge }.isEmpty)
    let (from, to) = (all[1500].entry.at, all[500].entry.at)
    let between = try await part {
      $0.since = from
      $0.until = to
    }
    #expect(between.map(\.entry.id) == all[501...1500].map(\.entry.id))
    // Each entry is listed once, even if both its name and its id match.
    let ofSeven = all.filter { $0.entry.resource == ResourceID(Self.user(7)) }.map(\.entry.id)
    #expect(ofSeven.count == 40)
    for subject in ["PERSON-7@example.com", Self.user(7)] {
      #expect(try await part { $0.subject = subject }.map(\.entry.id) == ofSeven, "\(subject)")
    }
    let failed = try await part {
      $0.subject = "person-50@example.com"
      $0.failedOnly = true
    }
    #expect(failed.count == 40)
    #expect(
      try await part {
        $0.subject = "person-50@example.com"
        $0.cause = .staleUser
      }.count == 40)
    #expect(try await part { $0.subject = "person-7%" }.isEmpty)
    // Row-level security also applies if a statement names another workspace.
    let other = WorkspaceID.made(at: Date())
    try await store.write("insert into identity.workspaces values ($1, 'other', '{}', 1, now(), now())", [.uuid(other.uuid)])
    #expect(try await part(in: other).isEmpty)
    #expect(try await LogRepository(store.database, in: other).page(of: .init(), after: nil, limit: 10, in: store.workspace).isEmpty)
    await store.close()
  }

  @Test("Every list of the log is read from an index in order by its generic plan")
  func logPlans() async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 1000, groups: 10)
    // Whole days, because a partition with few rows would be read by another index.
    try await store.insertLog(of: 20_000, over: 5 * 86_400, before: UTCDay.start(of: Date()))
    try await store.write("analyze", [])
    let kinds: [(LogPageStatement.Kind, condition: String)] = [
      (.all, "Index Cond"), (.failed, "Index Cond"), (.cause(.staleUser), "cause = $5"),
    ]
    for (kind, condition) in kinds {
      let values = [
        "'\(store.workspace)'", "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'", "51",
        kind.name == "cause" ? "'staleUser'" : "null",
      ]
      let types = ["uuid", "uuid", "uuid", "int8", "text"]
      let plan = try await store.plan(of: LogPageStatement.statement(kind, ofSubject: false), types, values)
      #expect(plan.contains(condition), "\(kind):\n\(plan)")
      #expect(!plan.contains("Seq Scan on"), "\(kind):\n\(plan)")
      // A sort would read the whole log first; only the page of 51 rows may be sorted.
      #expect(!plan.contains("Sort"), "\(kind):\n\(plan)")
      let subject = try await store.plan(
        of: LogPageStatement.statement(kind, ofSubject: true), types + ["text[]", "uuid[]"],
        values + ["array['person-7@example.com']", "array['\(Self.user(7))']::uuid[]"])
      #expect(subject.contains("name_key = given.name") && subject.contains("resource_id = subject.id"), "\(kind):\n\(subject)")
      #expect(!subject.contains("Seq Scan on"), "\(kind):\n\(subject)")
      #expect(!subject.contains("Filter: (name_key") && !subject.contains("Filter: (resource_id"), "\(kind):\n\(subject)")
    }
    await store.close()
  }

  @Test("Resources that were not pushed recently are listed in pages and counted up to a limit, by index")
  func drift() async throws {
    let store = try await StoreBuilder.start()
    try await store.insertWorkforce(of: 300, groups: 20)
    try await store.write(
      """
      insert into identity.pushes (workspace_id, resource_id, type, pushed_on)
      select workspace_id, id, 'User', date '2026-01-31' - (right(id::text, 12)::int % 100) from identity.users
      union all
      select workspace_id, ('0192f7a0-0000-7000-9000-' || right(id::text, 12))::uuid, 'Group', date '2025-12-01' from identity.groups
      """, [])
    try await store.write("update identity.groups set id = ('0192f7a0-0000-7000-9000-' || right(id::text, 12))::uuid", [])
    let query = DriftQuery(database: store.database)
    func found(
      _ kind: ResourceKind, before day: String, after place: DriftQuery.Cursor? = nil, limit: Int = 1000, in other: WorkspaceID? = nil
    ) async throws -> [DriftQuery.Resource] {
      try await query.resources(kind, before: day, after: place, limit: limit, in: other ?? store.workspace)
    }
    let all = try await found(.user, before: "2026-01-01")
    // In each hundred those from 31 to 99 days ago.
    #expect(all.count == 3 * 69)
    #expect(all.first?.pushedOn == "2025-10-24")
    #expect(all.last?.pushedOn == "2025-12-31")
    #expect(all.first?.name.hasSuffix("99@example.com") == true)
    var parts: [DriftQuery.Resource] = []
    while true {
      let place = parts.last.map { DriftQuery.Cursor(pushedOn: $0.pushedOn, id: $0.id) }
      let next = try await found(.user, before: "2026-01-01", after: place, limit: 50)
      if next.isEmpty { break }
      parts += next
    }
    #expect(parts == all)
    #expect(try await found(.group, before: "2026-01-01").count == 20)
    #expect(try await found(.group, before: "2025-12-01").isEmpty)
    #expect(try await query.count(.user, before: "2026-01-01", maximum: 1001, in: store.workspace) == 207)
    #expect(try await query.count(.user, before: "2026-01-01", maximum: 100, in: store.workspace) == 100)
    #expect(try await query.count(.group, before: "2026-01-01", maximum: 100, in: .made(at: Date())) == 0)
    #expect(try await found(.user, before: "2026-01-01", in: .made(at: Date())).isEmpty)
    for kind in ResourceKind.allCases {
      let plan = try await store.plan(
        of: DriftQuery.statement(of: kind), ["uuid", "text", "text", "uuid", "int8"],
        ["'\(store.workspace)'", "'2026-01-01'", "'0001-01-01'", "'00000000-0000-0000-0000-000000000000'", "51"])
      #expect(plan.contains("pushes_by_day"), "\(plan)")
      #expect(!plan.contains("Seq Scan on") && !plan.contains("Sort"), "\(plan)")
    }
    await store.close()
  }

  @Test("Health has the counts of the last day, week and month by sender")
  func health() async throws {
    let store = try await StoreBuilder.start()
    let token = TokenID.made(at: Date())
    try await store.write(
      """
      insert into identity.tokens (workspace_id, id, name, digest, scopes, created_by, created_at)
      values ($1, $2, 'Okta of Acme', $3, '{scim}', 'test', now()), ($1, $4, 'Reader', $5, '{scim}', 'test', now()),
        ($1, $6, 'Product', $7, '{sign-ins}', 'test', now())
      """,
      [
        .uuid(store.workspace.uuid), .uuid(token.uuid), .bytes(Array(repeating: 1, count: 32)), .uuid(TokenID.made(at: Date()).uuid),
        .bytes(Array(repeating: 2, count: 32)), .uuid(TokenID.made(at: Date()).uuid), .bytes(Array(repeating: 3, count: 32)),
      ])
    let now = try #require(Timestamp.date("2026-01-31T09:30:00.000Z"))
    for (hours, requests, failures) in [(0, 10, 2), (5, 20, 0), (23, 5, 5), (24, 7, 0), (29 * 24, 3, 0), (31 * 24, 100, 0)] {
      let hour = Date(timeIntervalSince1970: ((now - Double(hours) * 3600).timeIntervalSince1970 / 3600).rounded(.down) * 3600)
      try await store.write(
        """
        insert into identity.provisioning_hours
        values ($1, $2, $3, 'okta', $4, $5, $2, case when $4 > $5 then $2 end, case when $5 > 0 then $2 end)
        """,
        [.uuid(store.workspace.uuid), .timestamp(hour), .uuid(token.uuid), .int(Int64(requests)), .int(Int64(failures))])
    }
    try await store.write(
      """
      insert into identity.provisioning_causes values ($1, '2026-01-31', 'staleUser', 4, $2), ($1, '2026-01-25', 'staleUser', 1, $2),
        ($1, '2026-01-24', 'tooLarge', 9, $2), ($1, '2026-01-30', 'of-a-later-build', 9, $2)
      """, [.uuid(store.workspace.uuid), .timestamp(now)])
    try await store.write(
      "insert into identity.token_uses select $1, id, '2026-01-30', '', 12, $2 from identity.tokens",
      [.uuid(store.workspace.uuid), .timestamp(now)])
    let query = HealthQuery(database: store.database)
    let health = try await query.health(of: store.workspace, at: now)
    #expect(health.hours.count == 24 && health.days.count == 30)
    #expect(health.hours.last?.requests == 10 && health.hours.first?.requests == 5)
    #expect(health.hours.reduce(0) { $0 + $1.failures } == 7)
    #expect(health.days.reduce(0) { $0 + $1.requests } == 45)
    #expect(health.days.last?.requests == 30)
    #expect(health.senders.map(\.name) == ["Okta of Acme", "Reader"], "only senders of SCIM requests are identity providers")
    let okta = try #require(health.senders.first)
    #expect((okta.requestsInDay, okta.failuresInDay, okta.requestsInMonth, okta.failuresInMonth) == (35, 7, 45, 7))
    #expect(okta.lastSuccessAt == okta.lastFailureAt && okta.uses == 12)
    #expect(health.failures == [.init(cause: .staleUser, count: 5, lastAt: now)])
    let empty = try await query.health(of: .made(at: now), at: now)
    #expect(empty.senders.isEmpty && empty.failures.isEmpty && empty.days.allSatisfy { $0.requests == 0 })
    await store.close()
  }

  @Test("Held changes are read with the members who would leave, pending and decided ones separately")
  func held() async throws {
    let store = try await StoreBuilder.start()
    let users = try await store.insertUsers(["ana", "ben"])
    let gone = ResourceID.made(at: Date())
    var ids: [HeldChangeID] = []
    for (number, status) in ["pending", "approved", "pending", "rejected", "superseded", "pending"].enumerated() {
      let id = HeldChangeID.made(at: Date(timeIntervalSince1970: 1_769_850_000 + Double(number)))
      ids.append(id)
      try await store.write(
        """
        insert into identity.held_changes (
          workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, decided_by, decided_at, standing
        )
        values ($1, $2, $3, 'members-removed', 'Data team', 3, $4, 'token:' || $5, now(), now(), $6, 'operator:ana', now(), false)
        """,
        [
          .uuid(store.workspace.uuid), .uuid(id.uuid), .uuid(users[0].uuid), .uuidArray([users[1].uuid, gone.uuid]),
          .text("\(TokenID.made(at: Date()))"), .text(status),
        ])
    }
    let query = HeldChangesQuery(database: store.database)
    let pending = try await query.pending(after: nil, limit: 2, in: store.workspace)
    #expect(pending.map(\.id) == [ids[5], ids[2]])
    #expect(pending.first?.leavers == ["\(gone)", "ben@example.com"].sorted())
    #expect(pending.first?.leaving == 2 && pending.first?.exists == true && pending.first?.token == nil)
    #expect(try await query.pending(after: ids[2], limit: 2, in: store.workspace).map(\.id) == [ids[0]])
    #expect(try await query.decided(limit: 10, in: store.workspace).map(\.id) == [ids[4], ids[3], ids[1]])
    #expect(try await query.decided(limit: 2, in: store.workspace).map(\.status) == ["superseded", "rejected"])
    #expect(try await query.change(ids[1], in: store.workspace)?.status == "approved")
    #expect(try await query.change(ids[1], in: .made(at: Date())) == nil)
    #expect(try await ProvisioningTab.all(on: .log, in: store.workspace, of: store.database).compactMap(\.count) == ["3"])
    #expect(try await ProvisioningTab.all(on: .log, in: .made(at: Date()), of: store.database).compactMap(\.count) == [])
    await store.close()
  }
}

extension StoreBuilder {
  /// Inserts entries evenly distributed over `seconds` before `end` and over the users of the workforce. Every fiftieth is a failure.
  func insertLog(of count: Int, over seconds: Int, before end: Date = .now, users: Int = 50) async throws {
    try await write(
      """
      insert into identity.provisioning_log (workspace_id, id, status, failed, resource_type, resource_id, name_key, cause, entry)
      select
        $1, id, case when failed then 404 else 200 end, failed, 'User', resource_id, 'person-' || person || '@example.com',
        case when failed then 'staleUser' end,
        json_build_object(
          'id', id, 'workspace', $1, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'method', 'PUT',
          'path', '/api/v2/scim/Users/' || resource_id, 'status', case when failed then 404 else 200 end, 'microseconds', 1200,
          'resourceType', 'User', 'resource', resource_id, 'name', 'person-' || person || '@example.com', 'identityProvider', 'okta',
          'body', json_build_object('bytes', 600, 'json', json_build_object('userName', 'person', 'note', repeat('x', 500)))
        )::text
      from (
        select
          n % 50 = 0 as failed, n % $4::int8 + case when n % $4::int8 = 0 then $4::int8 else 0 end as person,
          date_trunc('milliseconds', $5::timestamptz - make_interval(secs => n * $3::int8 / $2::float8)) as at, n
        from generate_series(1, $2::int8) n
      ) entry
      cross join lateral (
        select
          (
            lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0')
          )::uuid as id,
          ('0192f7a0-0000-7000-8000-' || lpad(person::text, 12, '0'))::uuid as resource_id
      ) ids
      """, [.uuid(workspace.uuid), .int(Int64(count)), .int(Int64(seconds)), .int(Int64(users)), .timestamp(end)])
  }

  /// The executed generic plan of a statement on the connections for reads.
  func plan(of statement: Statement, _ types: [String], _ values: [String]) async throws -> String {
    try await reader.withExclusiveConnection { session in
      _ = try await session.query(
        Statement(once: "in force", "select set_config('rollcall.workspace', $1, false)"), [.text(workspace.description)])
      _ = try await session.query(Statement(once: "prepare", "prepare planned (\(types.joined(separator: ", "))) as \(statement.sql)"))
      let rows = try await session.query(
        Statement(once: "explain", "explain (costs off) execute planned (\(values.joined(separator: ", ")))"))
      return try rows.map { String(try $0.string(0).prefix(200)) }.joined(separator: "\n")
    }
  }
}
