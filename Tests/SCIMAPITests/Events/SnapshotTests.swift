import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import EdgeHTTP
@testable import EdgeReads

@Suite("Snapshots of the directory", .timeLimit(.minutes(10)))
struct SnapshotTests {
  private let here = WorkspaceID.made(at: Date())
  private let there = WorkspaceID.made(at: Date())

  /// The same id for the same number, in the order of the numbers.
  private static func id<Subject>(_ number: Int) -> Identifier<Subject> {
    var generator = SeededGenerator(seed: UInt64(number))
    return .made(at: Date(timeIntervalSince1970: 1_767_225_600 + Double(number)), using: &generator)
  }

  private func insertMember(
    _ number: Int, _ state: String = "active", in workspace: WorkspaceID, document: String? = nil, into database: EventDatabase
  ) async throws {
    try await database.write(
      "insert into directory.members (workspace_id, id, state, email, version, document) values ($1, $2, $3, $4, 7, $5::text)",
      [
        .uuid(workspace.uuid), .uuid((Self.id(number) as UserID).uuid), .text(state),
        state == "deleted" ? .null : .text("\(number)@example.com"), .optional(document, PostgresValue.text),
      ])
  }

  private func insertGroup(_ number: Int, _ name: String?, in workspace: WorkspaceID, into database: EventDatabase) async throws {
    try await database.write(
      "insert into directory.groups (workspace_id, id, display_name, version, part, complete) values ($1, $2, $3, 5, 0, true)",
      [.uuid(workspace.uuid), .uuid((Self.id(number) as GroupID).uuid), .optional(name, PostgresValue.text)])
  }

  private func insertMembership(_ group: Int, _ member: Int, in workspace: WorkspaceID, into database: EventDatabase) async throws {
    try await database.write(
      "insert into directory.memberships values ($1, $2, $3)",
      [.uuid(workspace.uuid), .uuid((Self.id(group) as GroupID).uuid), .uuid((Self.id(member) as UserID).uuid)])
  }

  private func all(_ part: SnapshotPart, of snapshot: any DirectorySnapshot) async throws -> [SnapshotItem] {
    var items: [SnapshotItem] = []
    while true {
      let page = try await snapshot.page(of: part, after: items.last)
      if page.isEmpty { return items }
      items += page
    }
  }

  @Test("A snapshot has the members, the groups and the visible memberships of its workspace, and only those")
  func content() async throws {
    let database = try await EventDatabase.start()
    for workspace in [here, there] {
      try await insertMember(1, in: workspace, document: "{\"id\":\"\(Self.id(1) as UserID)\",\"version\":7}", into: database)
      for (number, state) in [(2, "invited"), (3, "disabled"), (4, "deleted")] {
        try await insertMember(number, state, in: workspace, into: database)
      }
      try await insertGroup(1, "Data team", in: workspace, into: database)
      try await insertGroup(2, nil, in: workspace, into: database)
      // A member of a group whose own data has not arrived, besides those of each state.
      for member in 1...5 { try await insertMembership(1, member, in: workspace, into: database) }
      try await insertMembership(2, 1, in: workspace, into: database)
    }
    try await database.append(3, in: here)
    try await database.append(4, in: there)
    for (scope, workspaces, end) in [
      (EventScope.workspace(here), [here], 3), (.workspace(there), [there], 4), (.deployment, [here, there].sorted(), 7),
    ] {
      let snapshot = try await database.events.snapshot(of: scope)
      #expect(snapshot.cursor.scope == scope)
      #expect(snapshot.cursor.number == Int64(end))
      let members = try await all(.members, of: snapshot)
      #expect(members.map(\.workspace) == workspaces.flatMap { [$0, $0, $0] })
      #expect(members.map(\.id) == workspaces.flatMap { _ in (1...3).map { Self.id($0) } })
      let people = try members.map { item in
        guard case .member(let json) = item.content else { throw CocoaError(.keyValueValidation) }
        return try DirectoryMember(json: json)
      }
      #expect(people[0] == DirectoryMember(id: Self.id(1), version: 7))
      // A row without a document, of an earlier version, has what is stored.
      #expect(people[1] == DirectoryMember(id: Self.id(2), email: "2@example.com", state: .invited, version: 7))
      let groups = try await all(.groups, of: snapshot)
      #expect(
        groups
          == workspaces.map { workspace in
            SnapshotItem(
              workspace: workspace, id: Self.id(1), content: .group(.init(id: Self.id(1), displayName: "Data team", version: 5)))
          })
      let memberships = try await all(.memberships, of: snapshot)
      #expect(memberships == workspaces.map { SnapshotItem(workspace: $0, id: Self.id(1), content: .membership(Self.id(1))) })
    }
    await database.close()
  }

  @Test("A snapshot is read in pages, and large members make small pages")
  func pages() async throws {
    let database = try await EventDatabase.start()
    for workspace in [here, there] {
      try await database.write(
        """
        insert into directory.members (workspace_id, id, state, version)
        select $1::uuid, gen_random_uuid(), 'active', 1 from generate_series(1, 2500)
        """, [.uuid(workspace.uuid)])
      try await insertGroup(1, "Everybody", in: workspace, into: database)
      try await database.write(
        "insert into directory.memberships select workspace_id, $2::uuid, id from directory.members where workspace_id = $1::uuid",
        [.uuid(workspace.uuid), .uuid((Self.id(1) as GroupID).uuid)])
    }
    for (scope, count) in [(EventScope.workspace(here), 2500), (.deployment, 5000)] {
      let snapshot = try await database.events.snapshot(of: scope)
      #expect(try await snapshot.page(of: .members, after: nil).count == 1000)
      let members = try await all(.members, of: snapshot)
      #expect(Set(members.map(\.id)).count == count)
      #expect(members.map { [$0.workspace.resource, $0.id] }.adjacentPairsAreAscending)
      #expect(try await all(.memberships, of: snapshot).count == count)
    }
    // Three quarters of the size of a page each.
    try await database.write(
      """
      update directory.members
      set document = rpad('{', \(3 << 20), ' ') || '}'
      where workspace_id = $1::uuid
      and id in (select id from directory.members where workspace_id = $1::uuid order by id limit 3)
      """, [.uuid(there.uuid)])
    // Its connection is free when the snapshot is released.
    do {
      let snapshot = try await database.events.snapshot(of: .workspace(there))
      #expect(try await snapshot.page(of: .members, after: nil).count == 2)
    }
    await database.close()
  }

  @Test("A snapshot shows one moment, and its cursor continues from there")
  func consistency() async throws {
    let database = try await EventDatabase.start()
    try await insertMember(1, in: here, into: database)
    try await database.append(2, in: here)
    do {
      let snapshot = try await database.events.snapshot(of: .workspace(here))
      try await insertMember(2, in: here, into: database)
      try await database.append(1, .memberInvited, in: here)
      #expect(try await all(.members, of: snapshot).map(\.id) == [Self.id(1)])
      let later = try await database.events.events(EventQuery(.workspace(here), from: .after(snapshot.cursor), limit: 10))
      #expect(later.events.map(\.sequence) == [3])
    }
    await database.close()
  }

  @Test("Pages are ranges of primary keys, also in a plan that was made while the tables were empty")
  func plan() async throws {
    let database = try await EventDatabase.start()
    for (pool, workspace) in [(database.reader, here), (database.feedReader, WorkspaceID.deployment)] {
      let snapshot = try await Database(pool: pool, retryTimeout: .seconds(5)).longSnapshot(of: workspace)
      _ = try await snapshot.query(SnapshotStatements.planning, [])
      let start: [PostgresValue] = [.uuid(here.uuid), .uuid(UUID()), .uuid(here.uuid)]
      for (statement, parameters, index) in [
        (SnapshotStatements.members, start, "members_pkey"), (SnapshotStatements.groups, start, "groups_pkey"),
        (SnapshotStatements.memberships, start + [.uuid(UUID())], "memberships_pkey"),
      ] {
        let plan = try await snapshot.query(Statement(once: "explain", "explain (costs off) \(statement.sql)"), parameters)
          .map { try $0.string(0) }.joined(separator: "\n")
        // The members of a page are sorted again for the sum of their sizes, at most a page of them.
        let read = plan.range(of: "Limit").map { String(plan[$0.lowerBound...]) } ?? plan
        #expect(read.contains("Scan using \(index)") && !read.contains("Sort"), "\(plan)")
        #expect(!plan.contains("Seq Scan") && !plan.contains("Bitmap"), "\(plan)")
      }
    }
    await database.close()
  }
}

extension [[ResourceID]] {
  /// Whether each element is greater than the one before it.
  fileprivate var adjacentPairsAreAscending: Bool {
    zip(self, dropFirst()).allSatisfy { $0.lexicographicallyPrecedes($1) }
  }
}
