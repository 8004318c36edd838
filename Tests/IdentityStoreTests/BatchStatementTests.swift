import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Statements of a batch", .timeLimit(.minutes(10)))
struct BatchStatementTests {
  private static let writer = ChangeWriter(nameHash: NameHash(key: "test"), source: "identity-store/test")

  /// The statements that load and write one command, if the further loads find nothing to do.
  private func statements(of operation: Command.Operation, on resource: ResourceID, in fixture: inout Fixture) throws -> [[String]] {
    let command = ParsedCommand(fixture.command(operation, on: resource))
    let writeSet = WriteSet(of: [command])
    let stored = fixture.decider.state.stored
    let further = LoadStatements.loads(for: writeSet, notYetIn: stored)
    let loads = LoadStatements.loads(for: writeSet, knowing: [:]) + further
    var decider = Decider(state: stored, now: Fixture.start, nameHash: NameHash(key: "test"))
    _ = decider.decide(command)
    return [
      loads.map(\.statement.name), try Self.writer.writes(for: decider, within: .seconds(1)).steps.map(\.0.name),
    ]
  }

  // These counts are most of the cost of a lone write; see ops/docs/performance.md before raising one.
  @Test("The common commands need at most two statements to load and four to write, a deletion five")
  func counts() throws {
    var fixture = Fixture()
    let user = fixture.createUser(#"{"userName":"ana@example.com"}"#).id
    let group = fixture.createGroup("Data").id
    let outbox = "insert into identity.outbox"
    let post = try statements(
      of: .createUser(document: Fixture.user(#"{"userName":"ben@example.com","emails":[{"value":"ben@example.com"}]}"#)),
      on: fixture.id(), in: &fixture)
    #expect(post == [["lock names", "load users"], ["insert users", outbox, "insert replies"]])
    let disable = try statements(
      of: .patchUser(patch: fixture.patch(#"{"op":"replace","path":"active","value":false}"#)), on: user, in: &fixture)
    #expect(disable == [["load users"], ["update users", "forget pushes", outbox, "insert replies"]])
    let rename = try statements(
      of: .replaceUser(document: Fixture.user(#"{"userName":"ana@example.com","title":"Boss"}"#)), on: user, in: &fixture)
    #expect(rename == [["lock names", "load users"], ["update users", outbox, "insert replies"]])
    let add = try statements(
      of: .patchGroup(patch: fixture.patch(#"{"op":"add","path":"members","value":[{"value":"\#(user)"}]}"#)), on: group, in: &fixture)
    #expect(add == [["load groups", "load members"], ["update groups", "insert memberships", outbox, "insert replies"]])
    let delete = try statements(of: .deleteUser, on: user, in: &fixture)
    #expect(delete == [["load users"], ["delete users", "insert tombstones", "forget names of held changes", outbox, "insert replies"]])
  }

  @Test("A batch sees what the transaction that it waited for has written, and not what was there when it began to wait")
  func waiting() async throws {
    let store = try await StoreDatabase.start()
    let (user, group) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await store.process().execute([
      store.createUser("ana@example.com", on: user),
      store.command(.createGroup(document: Fixture().group("Data", members: [])), on: group),
    ])
    let remove = store.command(.patchGroup(patch: Fixture().patch(#"{"op":"remove","path":"members[value eq \"\#(user)\"]"}"#)), on: group)
    let pool = store.process().pool
    let removal = try await pool.transaction { transaction in
      _ = try await transaction.pipeline([
        (Statement(once: "change", "update identity.groups set version = version + 1, keyed_version = version + 1"), []),
        (
          Statement(once: "add", "insert into identity.memberships select workspace_id, $1, $2 from identity.users"),
          [.uuid(group.uuid), .uuid(user.uuid)]
        ),
      ])
      let removal = Task { try await store.process().execute([remove]) }
      try await eventually("the batch waits for the row of the group") {
        try await store.count("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
      }
      return removal
    }
    #expect(try await removal.value.map(\.outcome.status) == [200])
    #expect(try await store.count("select count(*) from identity.memberships") == 0)
    #expect(try await store.count("select version from identity.groups") == 3)
    await pool.close()
  }

  @Test("A process uses the new settings of a workspace as soon as another process has changed them")
  func settings() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    _ = try await process.execute([store.createUser("ana@example.com")])
    let settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/",
      defaultRole: "editor")
    _ = try await store.process().execute([store.command(.updateWorkspace(settings), on: store.workspace.resource)])
    _ = try await process.execute([store.createUser("ben@example.com")])
    #expect(try await store.text("select string_agg(role, ' ' order by user_name) from identity.users") == "viewer editor")
  }

  @Test("The cache of workspaces keeps the newest version and is bounded")
  func workspaceCache() {
    let cache = WorkspaceCache(capacity: 2)
    var settings = Fixture().decider.state.workspaces[Fixture.workspace]
    settings?.version = 5
    let records = (0..<3).compactMap { number in
      settings.map { record in
        WorkspaceRecord(
          id: .made(at: Fixture.start + Double(number)), settings: record.settings, version: 5, createdAt: Fixture.start,
          modifiedAt: Fixture.start)
      }
    }
    cache.store([records[0]])
    var older = records[0]
    older.version = 4
    cache.store([older])
    #expect(cache.records(of: [records[0].id]).values.map(\.version) == [5])
    cache.store([records[1]])
    cache.store([records[2]])
    #expect(cache.records(of: Set(records.map(\.id))).count <= 2)
    #expect(cache.records(of: [records[2].id]).count == 1)
  }

  // No foreign key checks it.
  @Test("No command writes users or groups of a workspace that does not exist")
  func unknownWorkspace() async throws {
    let store = try await StoreDatabase.start()
    var commands = [
      store.createUser("ana@example.com"), store.command(.createGroup(document: Fixture().group("Data", members: []))),
    ]
    for index in commands.indices { commands[index].workspace = .made(at: Date()) }
    #expect(try await store.process().execute(commands).map(\.outcome.status) == [404, 404])
    #expect(try await store.count("select count(*) from (select id from identity.users union all select id from identity.groups) r") == 0)
  }
}

extension WorkingSet {
  /// The same records as they are after they were loaded.
  fileprivate var stored: WorkingSet {
    var set = WorkingSet()
    for workspace in workspaces.values { set.load(workspace) }
    for user in users.values { set.load(user) }
    for group in groups.values { set.load(group) }
    return set
  }
}
