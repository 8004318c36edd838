import Foundation
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Seats and admins in storage", .timeLimit(.minutes(10)))
struct LimitStorageTests {
  private func limit(_ store: StoreDatabase, seats: SeatLimit? = nil, changeGuard: ChangeGuard? = nil) async throws {
    var settings = WorkspaceSettings(
      slug: "acme", name: "Acme", plan: .enterprise, samlSSO: true, scimEnabled: true, signInURL: "https://acme.example/")
    settings.seats = seats
    settings.changeGuard = changeGuard
    _ = try await store.process().execute([store.command(.updateWorkspace(settings), on: store.workspace.resource)])
  }

  private func patch(_ attribute: String, _ value: String, of user: ResourceID, in store: StoreDatabase) -> Command {
    store.command(.patchUser(patch: Fixture().patch(#"{"op":"replace","path":"\#(attribute)","value":\#(value)}"#)), on: user)
  }

  private func admin(_ name: String, in store: StoreDatabase, on id: ResourceID) async throws {
    let document = Fixture.user(#"{"userName":"\#(name)","secodaRole":"admin"}"#)
    let signIn = SignIn(workspace: store.workspace, email: nil, user: id.user, signedInAt: Date())
    let process = store.process()
    _ = try await process.execute([store.command(.createUser(document: document), on: id)])
    #expect(try await process.execute([store.command(.promoteUser(signIn), on: id)]).map(\.outcome.status) == [204])
  }

  private func alerts(_ store: StoreDatabase) async throws -> Int {
    try await store.count(
      "select count(*) from identity.outbox where array_to_string(headers, ' ') like '%rollcall.workspace.%.v1%' and array_to_string(headers, ' ') not like '%workspace.changed%'"
    )
  }

  @Test("The stored users and those of the batch count, whatever process wrote them")
  func counted() async throws {
    let store = try await StoreDatabase.start()
    try await limit(store, seats: SeatLimit(limit: 3))
    let first = ResourceID.made(at: Date())
    let batch = try await store.process().execute([
      store.createUser("a@example.com", on: first), store.createUser("b@example.com"),
    ])
    #expect(batch.map(\.outcome.status) == [201, 201])
    let next = try await store.process().execute([store.createUser("c@example.com"), store.createUser("d@example.com")])
    #expect(next.map(\.outcome.status) == [201, 403])
    #expect(try await store.count("select sum(invited + active)::int8 from identity.state_totals") == 3)
    let freed = try await store.process().execute([
      patch("active", "false", of: first, in: store), store.createUser("e@example.com"), patch("active", "true", of: first, in: store),
    ])
    #expect(freed.map(\.outcome.status) == [200, 201, 403])
    #expect(try await store.count("select count(*) from identity.users where state = 'invited'") == 3)
  }

  @Test("Of two processes that want the last seat at the same time, one gets it")
  func race() async throws {
    let store = try await StoreDatabase.start()
    try await limit(store, seats: SeatLimit(limit: 5))
    let processes = (0..<2).map { _ in store.process() }
    let statuses = try await withThrowingTaskGroup(of: [Int].self) { group -> [Int] in
      for (number, process) in processes.enumerated() {
        group.addTask {
          var statuses: [Int] = []
          for user in 0..<5 {
            let replies = try await process.execute([store.createUser("user-\(number)-\(user)@example.com")])
            statuses += replies.map(\.outcome.status)
          }
          return statuses
        }
      }
      return try await group.reduce(into: [Int]()) { $0 += $1 }
    }
    #expect(statuses.filter { $0 == 201 }.count == 5 && statuses.filter { $0 == 403 }.count == 5)
    #expect(try await store.count("select count(*) from identity.users") == 5)
    #expect(try await alerts(store) == 1, "5 of 5 is 100 percent, and 4 of 5 is less than 90")
  }

  @Test("A user who waits for a seat is stored as disabled, and enabled by the approval")
  func held() async throws {
    let store = try await StoreDatabase.start()
    try await limit(store, seats: SeatLimit(limit: 1, policy: .hold))
    let (first, second) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    _ = try await store.process().execute([store.createUser("a@example.com", on: first)])
    _ = try await store.process().execute([store.createUser("b@example.com", on: second)])
    let found = "select kind || ' ' || status from identity.held_changes where resource_id = '\(second)'"
    #expect(try await store.text(found) == "user-enabled pending")
    #expect(try await store.text("select state from identity.users where id = '\(second)'") == "disabled")
    let change = HeldChangeID(try #require(UUID(uuidString: try await store.text("select id::text from identity.held_changes"))))
    let approval = Command.Operation.decideHeldChange(HeldChangeDecision(change: change, verdict: .approve))
    #expect(try await store.process().execute([store.command(approval, on: second)]).map(\.outcome.status) == [403])
    #expect(try await store.text(found) == "user-enabled pending")
    _ = try await store.process().execute([store.command(.deleteUser, on: first)])
    #expect(try await store.process().execute([store.command(approval, on: second)]).map(\.outcome.status) == [204])
    #expect(try await store.text(found) == "user-enabled approved")
    #expect(try await store.text("select state from identity.users where id = '\(second)'") == "invited")
  }

  @Test("Another active admin is found in the database, and the loss of the last one is reported")
  func lastAdmin() async throws {
    let store = try await StoreDatabase.start()
    let (ana, ben) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    try await admin("ana@example.com", in: store, on: ana)
    try await admin("ben@example.com", in: store, on: ben)
    #expect(try await store.process().execute([patch("active", "false", of: ana, in: store)]).map(\.outcome.status) == [200])
    #expect(try await alerts(store) == 0)
    #expect(try await store.process().execute([patch("secodaRole", #""viewer""#, of: ben, in: store)]).map(\.outcome.status) == [200])
    #expect(try await alerts(store) == 1)
  }

  @Test("With the guard the role of the last active admin waits in the database, and the approval applies it")
  func heldRole() async throws {
    let store = try await StoreDatabase.start()
    try await limit(store, changeGuard: ChangeGuard(holdsLastAdmin: true, notify: "admin@example.com"))
    let ana = ResourceID.made(at: Date())
    try await admin("ana@example.com", in: store, on: ana)
    let change = patch("secodaRole", #""editor""#, of: ana, in: store)
    #expect(try await store.process().execute([change]).map(\.outcome.status) == [200])
    #expect(try await store.text("select role from identity.users") == "admin")
    #expect(
      try await store.text("select kind from identity.held_changes where document like '%\"secodaRole\":\"editor\"%'") == "role-changed")
    let id = HeldChangeID(try #require(UUID(uuidString: try await store.text("select id::text from identity.held_changes"))))
    let approval = store.command(.decideHeldChange(HeldChangeDecision(change: id, verdict: .approve)), on: ana)
    #expect(try await store.process().execute([approval]).map(\.outcome.status) == [204])
    #expect(try await store.text("select role from identity.users") == "editor")
    #expect(try await store.count("select count(*) from identity.held_changes where document is not null") == 0)
    #expect(try await alerts(store) == 1)
  }

  @Test("Other admins are looked up in an index of the active admins alone")
  func plan() async throws {
    let store = try await StoreDatabase.start()
    _ = try await store.process().execute((0..<400).map { store.createUser("user-\($0)@example.com") })
    let pool = store.process().pool
    _ = try await pool.query(Statement(once: "activate", "update identity.users set state = 'active'"))
    _ = try await pool.query(Statement(once: "analyze", "analyze identity.users"))
    let statement = try #require(LoadStatements.otherAdmins([store.workspace], than: [ResourceKey]()).last?.statement)
    let plan = try await pool.withExclusiveConnection { session in
      for setting in ["plan_cache_mode = force_generic_plan", "enable_seqscan = off"] {
        _ = try await session.query(Statement(once: "setting", "set \(setting)"))
      }
      _ = try await session.query(Statement(once: "prepare", "prepare planned (uuid[], uuid[]) as \(statement.sql)"))
      let rows = try await session.query(Statement(once: "explain", "explain (costs off) execute planned (null, null)"))
      return try rows.map { try $0.string(0) }.joined(separator: "\n")
    }
    #expect(plan.contains("users_active_admins"), "\(plan)")
    await pool.close()
  }
}
