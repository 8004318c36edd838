import Foundation
import Migrations
import Models
import Postgres
import ProvisioningLog
import SCIMStorage
import TestSupport
import Testing

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIMControllers
@testable import ScimAPI

@Suite("Queries of the members page", .timeLimit(.minutes(10)))
struct MembersQueryTests {
  @Test("Members are listed in pages by state, name and age, with groups, invitation and last sign-in")
  func lists() async throws {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all)
    let query = MembersQuery(database: store.database)
    let ids = try await store.insertUsers(["dora", "ana", "carl", "ben"])
    try await store.write(
      "update identity.users set state = 'active', first_signed_in_at = '2026-01-02Z' where user_name = 'ben@example.com'", [])
    let groups = try await store.insertGroups(["Data", "Sales", "Ops", "Legal"])
    for group in groups { try await store.insertMembership(group: group, user: ids[0]) }
    try await store.insertInvitation(of: ids[0].user, state: "revoked", at: "2026-01-01Z")
    let latest = try await store.insertInvitation(of: ids[0].user, state: "sent", at: "2026-01-03Z")

    func list(
      _ state: UserState, _ order: MembersQuery.Order, after: CursorPosition? = nil, limit: Int = 10
    ) async throws -> [MemberSummary] {
      try await query.members(state, by: order, after: after, limit: limit, in: store.workspace)
    }
    // Without a displayName they are sorted by userName: "ana@example.com", "name of carl", "name of dora".
    #expect(try await list(.invited, .name).map(\.id) == [ids[1].user, ids[2].user, ids[0].user])
    #expect(try await list(.invited, .newest).map(\.id) == [ids[2].user, ids[1].user, ids[0].user])
    for order in MembersQuery.Order.allCases {
      let whole = try await list(.invited, order).map(\.id)
      var parts: [UserID] = []
      var place: CursorPosition?
      while let next = try await list(.invited, order, after: place, limit: 1).first {
        parts.append(next.id)
        place = CursorPosition(key: next.nameKey, kind: .user, id: next.id.resource)
      }
      #expect(parts == whole, "\(order)")
    }
    let dora = try #require(try await list(.invited, .name).last)
    #expect(dora.groups == ["Data", "Sales", "Ops"])
    #expect(dora.groupCount == 4)
    #expect(dora.invitation?.id == latest)
    #expect(dora.lastSignedInAt == nil)
    #expect(try await list(.disabled, .name).isEmpty)

    // The latest sign-in by any of the three identifiers.
    let ben = try #require(try await list(.active, .name).first)
    #expect(ben.lastSignedInAt == ben.firstSignedInAt)
    for (key, day) in [("\(ids[3])", 5), ("ben@example.com", 6)] {
      try await store.write(
        "insert into mailer.skipped_sign_ins values ($1, mailer_read.sign_in_key($1, $2), '2026-01-0\(day)Z')",
        [.uuid(store.workspace.uuid), .text(key)])
      #expect(try await list(.active, .name).first.flatMap(\.lastSignedInAt).map(Timestamp.text) == "2026-01-0\(day)T00:00:00.000Z")
    }
    #expect(try await query.members(.invited, by: .name, after: nil, limit: 10, in: .made(at: Date())).isEmpty)
    await store.close()
  }

  @Test("A search matches prefixes of name, family name, userName and address, ignoring case, in the given states")
  func search() async throws {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all)
    let query = MembersQuery(database: store.database)
    let ids = try await store.insertUsers(["u1", "u2", "u3", "u4"])
    let people = [
      ("Ana Silva", "Silva", "ana.silva@x.example", "invited"), ("Émile Zola", "Zola", "u2@example.com", "active"),
      ("Zoë 100%_\\", "O'Neil", "u3@example.com", "disabled"), ("Silvan", "Ng", "u4@example.com", "active"),
    ]
    for (id, (name, family, email, state)) in zip(ids, people) {
      try await store.write(
        "update identity.users set display_name = $2, family_name = $3, email = $4, email_key = lower($4), state = $5 where id = $1",
        [.uuid(id.uuid), .text(name), .text(family), .text(email), .text(state)])
    }
    func found(_ text: String, in states: [UserState] = UserState.allCases, limit: Int = 10) async throws -> [Int] {
      try await query.members(beginningWith: text, in: states, limit: limit, in: store.workspace).map { member in
        try #require(ids.firstIndex(of: member.id.resource))
      }
    }
    #expect(try await found("SILVA") == [0, 3])
    #expect(try await found("silva", in: [.active]) == [3])
    #expect(try await found("ana.s") == [0])
    #expect(try await found("u1@") == [0])
    #expect(try await found("u") == [0, 3, 2, 1])
    #expect(try await found("u", limit: 2).count == 2)
    #expect(try await found("ÉMI") == [1])
    #expect(try await found("zo") == [2, 1])
    #expect(try await found("zoë 100%_\\") == [2])
    #expect(try await found("zoë 100%__").isEmpty)
    #expect(try await found("%").isEmpty)
    #expect(try await found("o'n") == [2])
    #expect(try await found("lva").isEmpty)
    #expect(try await query.members(beginningWith: "u", in: UserState.allCases, limit: 9, in: .made(at: Date())).isEmpty)
    await store.close()
  }

  @Test("The number of users in each state is updated with every change")
  func totals() async throws {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all)
    let query = MembersQuery(database: store.database)
    #expect(try await query.totals(in: store.workspace) == .init())
    try await store.insertWorkforce(of: 1000, groups: 1)
    #expect(try await query.totals(in: store.workspace) == .init(invited: 990, active: 0, disabled: 10))
    try await store.write("update identity.users set state = 'active' where user_name like 'person-1%'", [])
    try await store.write("update identity.users set role = 'admin'", [])
    try await store.write("delete from identity.users where user_name like 'person-2%'", [])
    let counted = try await store.owner.query(
      Statement(once: "count", "select state, count(*) from identity.users group by state order by state"))
    let totals = try await query.totals(in: store.workspace)
    #expect(
      try counted.map { "\(try $0.string(0)) \(try $0.int(1))" } == [
        "active \(totals.active)", "disabled \(totals.disabled)", "invited \(totals.invited)",
      ])
    #expect(totals.all == 889)
    #expect(try await query.totals(in: .made(at: Date())) == .init())
    await store.close()
  }

  @Test("Every list, search and look-up uses indexes in its generic plan")
  func plans() async throws {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all)
    try await store.insertWorkforce(of: 10_000, groups: 500)
    try await store.write(
      """
      insert into mailer.invitations (workspace_id, id, user_id, user_version, state, created_at, changed_at)
      select workspace_id, gen_random_uuid(), id, 1, 'scheduled', now(), now() from identity.users
      """, [])
    try await store.write(
      "insert into mailer.skipped_sign_ins select workspace_id, mailer_read.sign_in_key(workspace_id, user_name_key), now() from identity.users",
      [])
    try await store.fillOtherTables()
    try await store.write("analyze", [])
    let (workspace, user) = ("uuid", "uuid")
    let looks: [(Statement, [String], [String])] = [
      (
        MembersStatements.byName, [workspace, "text", "text", "uuid", "int8"],
        ["users_by_name", "memberships_by_user", "invitations_by_user", "skipped_sign_ins_pkey", "groups_pkey"]
      ),
      (MembersStatements.newest, [workspace, "text", "uuid", "int8"], ["users_by_state", "memberships_by_user", "invitations_by_user"]),
      (
        MembersStatements.beginningWith, [workspace, "text[]", "text", "int8"],
        ["users_by_name", "users_by_family_name", "users_by_user_name_start", "users_by_email_start", "users_pkey", "invitations_by_user"]
      ),
      (MembersStatements.totals, [workspace], ["state_totals_pkey"]),
      (MemberStatements.member, [workspace, user], ["users_pkey", "skipped_sign_ins_pkey"]),
      (MemberStatements.groups, [workspace, user, "int8"], ["memberships_by_user", "groups_pkey", "members_pkey"]),
      (MemberStatements.invitations, [workspace, user, "int8"], ["invitations_by_user"]),
      (MemberStatements.receipts, [workspace, user, "timestamptz", "int8"], ["receipts_by_member"]),
      (TimelineStatements.pushes, [workspace, user, "uuid", "int8"], ["workspace_id_resource_id_id_idx"]),
      (TimelineStatements.mails, [workspace, user, "timestamptz", "int8"], ["invitations_by_user", "invitation_history_pkey"]),
      (TimelineStatements.heldChanges, [workspace, user, "timestamptz", "int8"], ["held_changes_by_resource"]),
    ]
    for (statement, types, indexes) in looks {
      let plan = try await store.genericPlan(of: statement, types: types)
      for index in indexes { #expect(plan.contains(index), "\(statement.name) without \(index):\n\(plan)") }
      #expect(!plan.contains("Seq Scan on"), "\(statement.name):\n\(plan)")
      // Not the whole workspace, except for the counts, which have few rows.
      #expect(statement == MembersStatements.totals || !plan.contains("Cond: (workspace_id = $1)\n"), "\(statement.name):\n\(plan)")
    }
    // Prefix and state are index conditions. Under row-level security only leakproof operators can be.
    let plan = try await store.genericPlan(of: MembersStatements.beginningWith, types: [workspace, "text[]", "text", "int8"])
    let conditions = plan.split(separator: "\n").filter { $0.contains("Index Cond") && $0.contains("s.state") }
    #expect(conditions.count == 4, "\(plan)")
    #expect(conditions.allSatisfy { $0.contains(">=") && $0.contains("<") && $0.contains("workspace_id") }, "\(plan)")
    let keyset = try await store.genericPlan(of: MembersStatements.byName, types: [workspace, "text", "text", "uuid", "int8"])
    #expect(keyset.contains("ROW(name_key, id) > ROW"), "\(keyset)")
    await store.close()
  }

  @Test("A member's page reads the data of each service, and for a deleted user what remains")
  func member() async throws {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all)
    let (members, timelines) = (MemberQuery(database: store.database), TimelineQuery(database: store.database))
    let ids = try await store.insertUsers(["ana", "ben"])
    let ana = ids[0].user
    let groups = try await store.insertGroups(["Data", "Sales"])
    for group in groups { try await store.insertMembership(group: group, user: ids[0]) }
    // So far the directory has one of the memberships.
    try await store.write(
      "insert into directory.members (workspace_id, id, state, version) values ($1, $2, 'invited', 1)",
      [.uuid(store.workspace.uuid), .uuid(ana.uuid)])
    try await store.write(
      "insert into directory.groups (workspace_id, id, display_name, version, part, complete) values ($1, $2, 'Data', 1, 0, true)",
      [.uuid(store.workspace.uuid), .uuid(groups[0].uuid)])
    try await store.write(
      "insert into directory.memberships (workspace_id, group_id, member_id) values ($1, $2, $3)",
      [.uuid(store.workspace.uuid), .uuid(groups[0].uuid), .uuid(ana.uuid)])
    let stored = try #require(try await members.member(ana, in: store.workspace))
    #expect((stored.name.text, stored.state, stored.externalID) == ("Name of ana", .invited, "ext-ana"))
    #expect(try await members.member(ana, in: .made(at: Date())) == nil)
    let memberships = try await members.groups(of: ana, in: store.workspace)
    #expect(memberships.map(\.name) == ["Data", "Sales"])
    #expect(memberships.map(\.status) == [.pending, nil])
    #expect(memberships[0].waitsFor == "the first sign-in")

    let invitation = try await store.insertInvitation(of: ana, state: "sent", at: "2026-01-03Z")
    #expect(try await members.invitations(of: ana, in: store.workspace).map(\.id) == [invitation])
    var entry = LogEntry(
      id: .made(at: Date()), workspace: store.workspace, at: Date(), method: "PATCH", path: "/api/v2/scim/Users/\(ana)", status: 200,
      milliseconds: 1)
    entry.resource = ana.resource
    try await store.write(
      "insert into identity.provisioning_log (workspace_id, id, status, failed, resource_id, entry) values ($1, $2, 200, false, $3, $4)",
      [.uuid(store.workspace.uuid), .uuid(entry.id.uuid), .uuid(ana.uuid), .text(String(decoding: entry.json(), as: UTF8.self))])
    try await store.write(
      """
      insert into identity.held_changes
      (workspace_id, id, resource_id, kind, leaving, requested_by, held_at, asked_at, status, decided_by, decided_at, standing)
      values ($1, $2, $3, 'user-disabled', '{}', 'token:x', '2026-01-04Z', '2026-01-04Z', 'approved', 'operator:ana', '2026-01-05Z', false)
      """, [.uuid(store.workspace.uuid), .uuid(HeldChangeID.made(at: Date()).uuid), .uuid(ana.uuid)])
    let receipt = DeprovisionReceipt(
      id: .made(at: Date()), workspace: store.workspace, member: ana, memberVersion: 2, reason: .disabled,
      revokedAt: try #require(Timestamp.date("2026-01-06T00:00:00Z")), invitationRevoked: false, groups: [], events: [])
    try await store.write(
      "insert into directory.receipts (workspace_id, id, member_id, reason, revoked_at, document) values ($1, $2, $3, 'disabled', $4, $5)",
      [
        .uuid(store.workspace.uuid), .uuid(receipt.id.uuid), .uuid(ana.uuid), .timestamp(receipt.revokedAt),
        .text(String(decoding: try JSONData.encode(receipt), as: UTF8.self)),
      ])
    func timeline(before: Date = .distantFuture) async throws -> [String] {
      try await timelines.timeline(of: ana, member: stored, deletedAt: nil, before: before, in: store.workspace).events.map { event in
        switch event.kind {
        case .pushed: "pushed"
        case .mailed(let state, _): "mail \(state)"
        case .added: "added"
        case .held: "held"
        case .decided: "decided"
        case .accessEnded: "ended"
        case .firstSignedIn, .lastSignedIn, .superseded, .deleted: "else"
        }
      }
    }
    let all = try await timeline()
    #expect(Set(all.prefix(2)) == ["added", "pushed"])
    #expect(Array(all.dropFirst(2)) == ["ended", "decided", "held", "mail sent"])
    #expect(try await timeline(before: try #require(Timestamp.date("2026-01-04T12:00:00Z"))) == ["held", "mail sent"])
    #expect(
      try await timelines.timeline(of: ana, member: nil, deletedAt: nil, before: .distantFuture, in: .made(at: Date())).events.isEmpty)
    await store.close()
  }

  @Test("Only sign-ins of the current workspace are shown")
  func signIns() async throws {
    let store = try await StoreBuilder.start(migrations: SchemaMigrations.all)
    try await store.write(
      "insert into mailer.skipped_sign_ins values ($1, mailer_read.sign_in_key($1, 'ana'), now())", [.uuid(store.workspace.uuid)])
    // The same key as SignInKey of invitation-mailer.
    let key = Statement(
      once: "key", "select encode(mailer_read.sign_in_key('01997b5d-0000-7000-8000-000000000001', 'ana@example.com'), 'hex')")
    #expect(try await store.reader.query(key).first?.string(0) == "23d830a394ce92e8af1326de1a93391a")
    let count = Statement(once: "count", "select count(*) from mailer_read.sign_ins")
    #expect(try await store.reader.query(count).first?.int(0) == 0)
    #expect(try await store.reader.query(count, under: .inForce(store.workspace)).first?.int(0) == 1)
    #expect(try await store.reader.query(count, under: .inForce(.made(at: Date()))).first?.int(0) == 0)
    let writer = store.pool("invitation_mailer")
    #expect(try await writer.query(Statement(once: "delete", "delete from mailer.skipped_sign_ins returning key")).count == 1)
    await writer.close()
    await store.close()
  }
}

extension StoreBuilder {
  /// Inserts an invitation with the history of its state.
  @discardableResult
  func insertInvitation(of user: UserID, state: String, at time: String) async throws -> InvitationID {
    let id = InvitationID.made(at: Date())
    try await write(
      """
      insert into mailer.invitations (workspace_id, id, user_id, user_version, state, reason, created_at, changed_at)
      values ($1, $2, $3, 1, $4, 'of the test', '\(time)', '\(time)')
      """, [.uuid(workspace.uuid), .uuid(id.uuid), .uuid(user.uuid), .text(state)])
    try await write(
      """
      insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
      values ($1, $2, '\(time)', $3, 'of the test')
      """, [.uuid(workspace.uuid), .uuid(id.uuid), .text(state)])
    return id
  }

  /// Fills the other tables that the pages read, so that a plan without an index is noticed.
  fileprivate func fillOtherTables() async throws {
    for sql in [
      "insert into directory.members (workspace_id, id, state, version) select workspace_id, id, state, version from identity.users",
      """
      insert into directory.groups (workspace_id, id, display_name, version, part, complete)
      select workspace_id, id, display_name, 1, 0, true from identity.groups
      """,
      "insert into directory.memberships select * from identity.memberships",
      """
      insert into identity.held_changes
      (workspace_id, id, resource_id, kind, leaving, requested_by, held_at, asked_at, status, standing)
      select workspace_id, gen_random_uuid(), id, 'user-disabled', '{}', 'token:x', now(), now(), 'pending', false
      from identity.users
      """,
      """
      insert into directory.receipts (workspace_id, id, member_id, reason, revoked_at, document)
      select workspace_id, gen_random_uuid(), id, 'disabled', now(), '{}' from identity.users
      """,
      """
      insert into identity.provisioning_log (workspace_id, id, status, failed, resource_id, entry)
      select
        u.workspace_id, (substr(identity.provisioning_log_bound((now() at time zone 'UTC')::date)::text, 1, 14) || substr(u.id::text, 15))::uuid,
        200, false, u.id, '{}'
      from identity.users u
      """,
      """
      insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
      select workspace_id, id, now(), 'sent', '' from mailer.invitations
      """,
    ] {
      try await write(sql, [])
    }
  }

  /// The generic plan of a statement on the connections for reads.
  func genericPlan(of statement: Statement, types: [String]) async throws -> String {
    try await reader.withExclusiveConnection { session in
      let name = "planned_\(abs(statement.name.hashValue))"
      _ = try await session.query(Statement(once: "prepare", "prepare \(name) (\(types.joined(separator: ", "))) as \(statement.sql)"))
      // With a null bound the plan would contain no partition of the log.
      let nulls = types.map { $0 == "uuid" ? "'ffffffff-ffff-ffff-ffff-ffffffffffff'" : "null" }.joined(separator: ", ")
      let rows = try await session.query(Statement(once: "explain", "explain (costs off) execute \(name)(\(nulls))"))
      _ = try await session.query(Statement(once: "deallocate", "deallocate \(name)"))
      return try rows.map { try $0.string(0) }.joined(separator: "\n")
    }
  }
}
