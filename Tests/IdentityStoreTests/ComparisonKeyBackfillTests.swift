import Foundation
import Migrations
import Models
import Postgres
import Primitives
import SCIM
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Stored comparison keys", .timeLimit(.minutes(10)))
struct ComparisonKeyBackfillTests {
  private static let composed = "jos\u{E9}@example.com"
  private static let decomposed = "Jose\u{301}@example.com"

  /// A user as an older build stored it.
  private static func insertUser(_ name: String, _ id: ResourceID, on pool: PostgresPool) async throws {
    let document = """
      {"userName":"\(name)","emails":[{"value":"\(name)"},{"value":"Second\u{200B}"},{"value":"E\u{301}X@example.com"}],"meta":{"x":"y"
      """
    _ = try await pool.query(
      Statement(
        once: "old user",
        """
        insert into identity.users (
          workspace_id, id, user_name, user_name_key, user_name_hash, display_name, email, email_key, other_email_keys, state, role, version,
          created_at, modified_at, document
        )
        values ($1, $2, $3, $4, $5, $3, $3, $4, $6, 'invited', 'viewer', 1, now(), now(), $7)
        """),
      [
        .uuid(Fixture.workspace.uuid), .uuid(id.uuid), .text(name), .text(name.lowercased()),
        .bytes(NameHash(key: "test")(NameKey(workspace: Fixture.workspace, name: name.lowercased()))),
        .textArray(["\(Fixture.workspace) second\u{200B}"]), .text(document),
      ])
  }

  private static func insertGroup(_ name: String, _ id: ResourceID, on pool: PostgresPool) async throws {
    _ = try await pool.query(
      Statement(
        once: "old group",
        """
        insert into identity.groups (workspace_id, id, display_name, display_name_key, version, created_at, modified_at, document)
        values ($1, $2, $3, $4, 1, now(), now(), '{"meta":{"x":"y"')
        """),
      [.uuid(Fixture.workspace.uuid), .uuid(id.uuid), .text(name), .text(name.lowercased())])
  }

  private static func backfill(_ process: StoreDatabase.StoreProcess) -> ComparisonKeyBackfill {
    ComparisonKeyBackfill(
      pool: process.pool, writer: ChangeWriter(nameHash: NameHash(key: "test"), source: "identity-store/test"), logger: quiet)
  }

  @Test("An older database is re-keyed; of two rows with one key the second gets a duplicate key, until the first is deleted")
  func backfill() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    func key(_ table: String, _ id: ResourceID) async throws -> String {
      try await store.text("select \(table == "users" ? "user_name_key" : "display_name_key") from identity.\(table) where id = '\(id)'")
    }
    // The rows, in the order of creation.
    let ids = (0..<6).map { number in ResourceID(UUID(uuid: (3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, UInt8(number)))) }
    try await Self.insertUser(Self.decomposed, ids[0], on: process.pool)
    try await Self.insertUser(Self.composed, ids[1], on: process.pool)
    try await Self.insertUser(" Bob ", ids[2], on: process.pool)
    try await Self.insertUser("plain@example.com", ids[3], on: process.pool)
    try await Self.insertGroup("N10 app", ids[4], on: process.pool)
    try await Self.insertGroup("N10 app ", ids[5], on: process.pool)
    _ = try await process.pool.query(
      Statement(once: "early", "insert into identity.early_sign_ins values ($1, $2, now() - interval '1 day'), ($1, $3, now())"),
      [.uuid(Fixture.workspace.uuid), .text("e\u{301}va@example.com"), .text("\u{E9}va@example.com")])
    // The tombstone of a user that the old build deleted has a hash of the old key.
    _ = try await process.pool.query(
      Statement(once: "tombstone", "insert into identity.tombstones values ($1, $2, 'User', $3, now(), 2)"),
      [
        .uuid(Fixture.workspace.uuid), .uuid(UUID(uuid: (4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))),
        .bytes(NameHash(key: "test")(NameKey(workspace: Fixture.workspace, name: Self.decomposed.lowercased()))),
      ])
    try await Self.backfill(process).runOnce()

    // The key of the composed name is the same in both versions.
    #expect(try await key("users", ids[1]) == ComparisonKey(Self.composed).text)
    #expect(try await key("users", ids[0]) == NameKey.duplicate(ResourceKey(workspace: Fixture.workspace, id: ids[0])).name)
    #expect(try await key("users", ids[2]) == "bob")
    #expect(try await key("users", ids[3]) == "plain@example.com")
    #expect(try await store.text("select display_name_key || '/' || name_key from identity.users where id = '\(ids[2])'") == "bob/bob")
    #expect(try await store.text("select email_key from identity.users where id = '\(ids[0])'") == ComparisonKey(Self.composed).text)
    let others = ["second", "\u{E9}x@example.com"].map { "\(Fixture.workspace) \($0)" }.joined(separator: ",")
    #expect(try await store.text("select array_to_string(other_email_keys, ',') from identity.users where id = '\(ids[2])'") == others)
    #expect(try await key("groups", ids[4]) == "n10 app")
    #expect(try await key("groups", ids[5]) == NameKey.duplicate(ResourceKey(workspace: Fixture.workspace, id: ids[5])).name)
    #expect(
      try await store.text("select string_agg(type || id || conflicting_id, ',' order by id) from identity.outdated_keys")
        == "User\(ids[0])\(ids[1]),Group\(ids[5])\(ids[4])")
    #expect(try await store.text("select string_agg(email_key, ',') from identity.early_sign_ins") == "\u{E9}va@example.com")
    #expect(try await store.text("select (signed_in_at < now() - interval '1 hour')::text from identity.early_sign_ins") == "true")
    #expect(try await store.text("select key_version::text from identity.workspaces") == "\(ComparisonKey.version)")

    // A command for the deleted user still finds the current user with the name.
    let stale = store.command(
      .patchUser(patch: Fixture().patch(#"{"op":"replace","path":"title","value":"x"}"#)),
      on: ResourceID(UUID(uuid: (4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))))
    let refusal = try await process.execute([stale])[0].outcome
    #expect(refusal.status == 404 && refusal.error.contains("\(ids[0])"))

    // All rows are up to date.
    let versions = try await store.text("select string_agg(xmin::text, ',' order by id) from identity.users")
    try await Self.backfill(process).runOnce()
    #expect(try await store.text("select string_agg(xmin::text, ',' order by id) from identity.users") == versions)

    // A user who shares a name can be changed by id and keeps the duplicate key. Lookups by name find the other user.
    let title = store.command(.patchUser(patch: Fixture().patch(#"{"op":"replace","path":"title","value":"x"}"#)), on: ids[0])
    #expect(try await process.execute([title])[0].outcome.status == 200)
    #expect(try await process.execute([store.createUser(Self.decomposed)])[0].outcome.error.contains("\(ids[1])"))
    #expect(try await key("users", ids[0]).hasPrefix(" duplicate "))

    // After the other user is deleted, the name is available.
    #expect(try await process.execute([store.command(.deleteUser, on: ids[1])])[0].outcome.status == 204)
    _ = try await process.pool.query(
      Statement(once: "age", "update identity.outdated_keys set checked_at = now() - interval '2 minutes'"), [])
    try await Self.backfill(process).runOnce()
    #expect(try await key("users", ids[0]) == ComparisonKey(Self.composed).text)
    #expect(try await store.text("select string_agg(id::text, ',') from identity.outdated_keys") == "\(ids[5])")
    await process.pool.close()
  }

  @Test("Rows that an older build writes after the upgrade are re-keyed, and can be found and changed before that")
  func oldBuild() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    try await Self.backfill(process).runOnce()
    let (first, second) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    try await Self.insertUser(Self.decomposed, first, on: process.pool)
    try await Self.insertUser(Self.composed, second, on: process.pool)
    #expect(try await process.execute([store.createUser(" \(Self.decomposed)")])[0].outcome.status == 409)
    // The user keeps its duplicate key, because another user has the key of its name.
    let title = store.command(.patchUser(patch: Fixture().patch(#"{"op":"replace","path":"title","value":"x"}"#)), on: first)
    #expect(try await process.execute([title])[0].outcome.status == 200)
    try await Self.backfill(process).runOnce()
    #expect(
      try await store.count("select count(*) from identity.outdated_keys where conflicting_id = '\(second)' and id = '\(first)'") == 1)
    #expect(try await store.count("select count(*) from identity.outdated_keys") == 1)
    // An update that does not set the version of the keys.
    _ = try await process.pool.query(
      Statement(once: "old update", "update identity.users set user_name = $1, user_name_key = $2, version = version + 1 where id = $3"),
      [.text(" Cleo"), .text(" cleo"), .uuid(second.uuid)])
    _ = try await process.pool.query(
      Statement(once: "age", "update identity.outdated_keys set checked_at = now() - interval '2 minutes'"), [])
    try await Self.backfill(process).runOnce()
    #expect(try await store.text("select user_name_key from identity.users where id = '\(second)'") == "cleo")
    #expect(try await store.text("select user_name_key from identity.users where id = '\(first)'") == ComparisonKey(Self.composed).text)
    #expect(try await store.count("select count(*) from identity.outdated_keys") == 0)
    await process.pool.close()
  }

  @Test("For random pairs of names, the services, SQL and the store agree on equality")
  func agreement() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    var generator = SeededGenerator(seed: 15)
    let pieces = [
      "a", "A", "e\u{301}", "\u{E9}", "\u{C9}", "e", "\u{301}", "\u{323}", " ", "\u{200B}", "\u{A0}", "\u{FEFF}", "\u{130}", "i", "I",
      "\u{307}",
      "\u{DF}", "ss", "\u{1E9E}", "\u{3A3}", "\u{3C2}", "\u{3C3}", "\u{AC00}", "\u{11A8}", "\u{1100}\u{1161}", "\u{1E4EE}", "\u{105C9}",
      "\u{1F600}",
    ]
    var equal = 0
    for number in 0..<400 {
      // Half of the second names are another spelling of the first.
      let chosen = (0..<Int.random(in: 1...3, using: &generator)).map { _ in pieces[Int.random(in: pieces.indices, using: &generator)] }
      let first = "\(number)x" + chosen.joined()
      var second = "\(number)x"
      for piece in chosen {
        second += Bool.random(using: &generator) ? piece.uppercased() : pieces[Int.random(in: pieces.indices, using: &generator)]
      }
      if Bool.random(using: &generator) { second += " \u{200B}" }
      let areEqual = ComparisonKey(first) == ComparisonKey(second)
      let row = try await process.pool.query(
        Statement(
          once: "keys",
          "select identity_read.comparison_key($1) = identity_read.comparison_key($2), identity_read.comparison_key($1), identity_read.folded($2)"
        ),
        [.text(first), .text(second)]
      ).first
      let inSQL = try #require(row)
      #expect(try inSQL.bool(0) == areEqual, "\(first) \(second)")
      #expect(try inSQL.string(1).utf8.elementsEqual(ComparisonKey(first).text.utf8), "\(first)")
      #expect(try inSQL.string(2).utf8.elementsEqual(FoldedText.folded(second).utf8), "\(second)")
      #expect(try await process.execute([store.createUser(first)])[0].outcome.status == 201, "\(first)")
      #expect(try await process.execute([store.createUser(second)])[0].outcome.status == (areEqual ? 409 : 201), "\(first) \(second)")
      if areEqual { equal += 1 }
    }
    // The sample must contain both outcomes.
    #expect(50..<350 ~= equal, "\(equal) of 400 pairs are equal")
    await process.pool.close()
  }
}
