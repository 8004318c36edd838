import Foundation
import Migrations
import Models
import Postgres
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Address keys of users", .timeLimit(.minutes(10)))
struct EmailKeyTests {
  @Test("Every additional address has a key for as long as the user has the address")
  func keys() async throws {
    let store = try await StoreDatabase.start()
    let id = ResourceID.made(at: Date())
    func keys() async throws -> String {
      try await store.text("select coalesce(array_to_string(other_email_keys, ','), 'none') from identity.users where id = '\(id)'")
    }
    let user = #"""
      {"userName":"ana","emails":[{"value":"Ana@work.example","primary":true},{"value":"Ana@Home.example"},{"value":"ANA@WORK.example"},
      {"value":"ana@home.example","type":"other"},{"value":"Ünal@x.example"},{"type":"empty"},{"value":""}]}
      """#
    _ = try await store.process().execute([store.command(.createUser(document: Fixture.user(user)), on: id)])
    let expected = ["ana@home.example", "ünal@x.example"].map { "\(store.workspace) \($0)" }.joined(separator: ",")
    #expect(try await keys() == expected)
    // A write without addresses does not change them.
    let signIn = SignIn(workspace: store.workspace, email: nil, user: id.user, signedInAt: Date())
    #expect(try await store.process().execute([store.command(.promoteUser(signIn), on: id)]).map(\.outcome.status).allSatisfy { $0 < 300 })
    #expect(try await store.text("select state from identity.users where id = '\(id)'") == "active")
    #expect(try await keys() == expected)
    let one = #"{"userName":"ana","emails":[{"value":"ana@work.example"}]}"#
    _ = try await store.process().execute([store.command(.replaceUser(document: Fixture.user(one)), on: id)])
    #expect(try await keys() == "none")
  }

  @Test("The migration and the backfill compute the same keys for existing users")
  func migration() async throws {
    let server = try await PostgresServer.shared()
    let old = StoreDatabase(url: server.url(database: try await server.createDatabase(migrations: [SchemaMigrations.identity[0]])))
    let long = String(repeating: "Ö", count: 300)
    let document = """
      {"id":"x","emails":[{"value":"ana@work.example"},{"value":"\(long)@x.example"},{"value":"\u{130}da@x.example"},\
      {"value":"ANA@work.example"}],"meta":{"resourceType":"User"
      """
    let pool = old.process().pool
    _ = try await pool.query(
      Statement(once: "workspace", "insert into identity.workspaces values ($1, 'acme', '{}', 1, now(), now())"),
      [.uuid(old.workspace.uuid)])
    _ = try await pool.query(
      Statement(
        once: "user",
        """
        insert into identity.users
        (workspace_id, id, user_name, user_name_key, user_name_hash, email, email_key, state, role, version, created_at, modified_at, document)
        values ($1, gen_random_uuid(), 'ana', 'ana', '', 'ana@work.example', 'ana@work.example', 'invited', 'viewer', 1, now(), now(), $2)
        """), [.uuid(old.workspace.uuid), .text(document)])
    _ = try await Migrator.apply(SchemaMigrations.identity, on: pool, logger: quiet)
    let writer = ChangeWriter(nameHash: NameHash(key: "test"), source: "identity-store/test")
    try await ComparisonKeyBackfill(pool: pool, writer: writer, logger: quiet).runOnce()
    let keys = try await pool.query(Statement(once: "keys", "select other_email_keys from identity.users")).first?.textArray(0) ?? []
    #expect(Set(keys) == Set(["\(long)@x.example", "\u{130}da@x.example"].map { EmailKey.text($0, in: old.workspace) }))
    await pool.close()
  }
}
