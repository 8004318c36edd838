import Foundation
import Models
import Postgres
import ProvisioningLog
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Counts for the console", .timeLimit(.minutes(10)))
struct ProvisioningCountTests {
  private func entry(_ status: Int, at time: Date, _ change: (inout LogEntry) -> Void = { _ in }) -> LogEntry {
    var entry = LogEntry(
      id: .made(at: time), workspace: Fixture.workspace, at: time, method: "POST", path: "/api/v2/scim/Users", status: status,
      milliseconds: 1
    )
    entry.resourceType = .user
    change(&entry)
    return entry
  }

  @Test("Entries are counted once by hour, sender and cause of failure, without replays from the console")
  func counts() async throws {
    let store = try await StoreDatabase.start()
    let pool = store.process().pool
    let writer = LogWriter(pool: pool)
    let hour = Date(timeIntervalSince1970: (Date().timeIntervalSince1970 / 3600).rounded(.down) * 3600)
    let bulk = entry(200, at: hour + 5) { $0.operations = LogEntry.Operations(count: 3, failed: 1) }
    let entries = [
      entry(201, at: hour + 1) { $0.identityProvider = "okta" }, entry(409, at: hour + 2) { $0.scimType = "uniqueness" },
      entry(400, at: hour + 3) {
        $0.scimType = "invalidValue"
        $0.detail = "secodaRole: there is no role 'emperor'."
      },
      entry(404, at: hour - 3600) { $0.path = "/api/v2/scim/Users/6b1f7e0c-0000-4000-8000-000000000000" }, bulk,
      entry(409, at: hour + 5) {
        $0.bulk = bulk.id
        $0.scimType = "uniqueness"
      },
      entry(409, at: hour + 6) { $0.replayOf = bulk.id },
    ]
    try await writer.write(entries)
    try await writer.write(entries.shuffled() + [entry(201, at: hour + 7) { $0.identityProvider = "okta" }])
    func counted(_ sql: String) async throws -> [String] {
      try await pool.query(Statement(once: "counted", sql)).map { try $0.string(0) }
    }
    let hours = """
      select identity_provider || ' ' || requests || ' ' || failures || ' ' || (last_success_at is not null) || ' ' || coalesce(last_at = last_failure_at, false)
      from identity_read.provisioning_hours order by hour, identity_provider
      """
    #expect(try await counted(hours) == [" 1 1 false true", " 3 3 false true", "okta 2 0 true false"])
    let causes = "select cause || ' ' || sum(failures) from identity_read.provisioning_causes group by cause order by cause"
    #expect(try await counted(causes) == ["failedOperations 1", "staleUser 1", "unknownRole 1", "userNameTaken 2"])
    #expect(
      try await counted("select coalesce(cause, '-') from identity_read.provisioning_log where not failed") == ["-", "-"])
    #expect(try await counted("select cause from identity_read.provisioning_log where status = 400") == ["unknownRole"])
    await pool.close()
  }

  @Test("The next entry deletes counts beyond the retention of entries")
  func forgetting() async throws {
    let store = try await StoreDatabase.start()
    let pool = store.process().pool
    let old = entry(404, at: Date() - 5 * 86_400)
    try await LogWriter(pool: pool).write([old])
    #expect(try await store.count("select count(*) from identity.provisioning_hours") == 1)
    try await LogWriter(pool: pool, days: 3).write([entry(404, at: Date())])
    #expect(try await store.count("select count(*) from identity.provisioning_hours") == 1)
    #expect(try await store.count("select count(*) from identity.provisioning_causes") == 1)
    await pool.close()
  }

  @Test("The day of a push is stored, even if it changes nothing, but not for disabled or deleted users")
  func pushes() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (ana, ben, team) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    let pushed = """
      select coalesce(string_agg(type, ',' order by type), '')
      from identity_read.pushes
      where pushed_on = (now() at time zone 'UTC')::date
      """
    _ = try await process.execute([
      store.createUser("ana@example.com", on: ana), store.createUser("ben@example.com", on: ben),
      store.command(.createGroup(document: Fixture().group("Data team", members: [])), on: team),
    ])
    #expect(try await store.text(pushed) == "Group,User,User")
    let aging = Statement(once: "age", "update identity.pushes set pushed_on = pushed_on - 40")
    _ = try await process.pool.query(aging)
    #expect(try await store.text(pushed) == "")
    let version = "select max(version)::text from identity.users"
    let before = try await store.text(version)
    _ = try await process.execute([
      store.command(.replaceUser(document: Fixture.user(#"{"userName":"ana@example.com"}"#)), on: ana)
    ])
    #expect(try await store.text(version) == before, "nothing was changed")
    #expect(try await store.text(pushed) == "User")
    #expect(try await store.count("select count(*) from identity.pushes") == 3)

    func setActive(_ active: Bool) -> Command {
      store.command(.patchUser(patch: Fixture().patch(#"{"op":"replace","path":"active","value":\#(active)}"#)), on: ana)
    }
    _ = try await process.execute([setActive(false)])
    #expect(try await store.count("select count(*) from identity.pushes") == 2)
    _ = try await process.execute([setActive(true)])
    #expect(try await store.text(pushed) == "User")
    _ = try await process.execute([store.command(.deleteUser, on: ana), store.command(.deleteGroup, on: team)])
    #expect(try await store.text("select resource_id::text from identity.pushes") == "\(ben)")
    // A refused write is not counted.
    _ = try await process.execute([store.createUser("BEN@example.com")])
    #expect(try await store.count("select count(*) from identity.pushes") == 1)
    await process.pool.close()
  }
}
