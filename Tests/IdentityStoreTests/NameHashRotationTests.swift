import Foundation
import Models
import Postgres
import SCIM
import TestSupport
import Testing

@testable import IdentityStore

@Suite("Rotation of the key of tombstones", .timeLimit(.minutes(10)))
struct NameHashRotationTests {
  private let name = NameKey(workspace: Fixture.workspace, name: "ana")

  @Test("The new key writes, and the former one only matches")
  func keys() {
    let (former, both, new) = (NameHash(key: "one"), NameHash(key: "two", former: "one"), NameHash(key: "two"))
    #expect(both(name) == new(name) && both(name) != former(name))
    #expect(both.former("ana", stored: name) == former(name))
    #expect(new.former("ana", stored: name) == nil)
    #expect(both.keyID == new.keyID && both.formerKeyID == former.keyID && former.keyID != new.keyID && former.keyID.count == 16)
    // A key is no former key of itself.
    #expect(NameHash(key: "one", former: "one").formerKeyID == nil)
  }

  @Test("A user is found by tombstones of both keys, and tombstones of live users move to the new key")
  func rotation() async throws {
    let store = try await StoreDatabase.start()
    let process = store.process()
    let (gone, ana, lost) = (ResourceID.made(at: Date()), ResourceID.made(at: Date()), ResourceID.made(at: Date()))
    // StoreDatabase has the key "test".
    for commands in [
      [store.createUser("ana", on: gone), store.createUser("lost", on: lost)],
      [store.command(.deleteUser, on: gone), store.command(.deleteUser, on: lost)], [store.createUser("ana", on: ana)],
    ] { _ = try await process.execute(commands) }
    let former = NameHash(key: "test")
    #expect(try await store.count("select count(*) from identity.tombstones where name_key_id = '\(former.keyID)'") == 2)
    try await process.pool.transaction { transaction in
      // A tombstone from before keys were told apart.
      let statement = Statement(once: "age", "update identity.tombstones set name_key_id = null where id = $1")
      _ = try await transaction.pipeline([(statement, [.uuid(gone.uuid)])], commit: true)
    }
    let hash = NameHash(key: "new", former: "test")
    let rotation = NameHashRotation(pool: process.pool, nameHash: hash, former: former.keyID, logger: quiet, page: 1)
    let (first, second) = (try await rotation.runPass(), try await rotation.runPass())
    #expect(first == 2 && second == 0)
    #expect(
      try await store.text("select encode(user_name_hash, 'hex') from identity.users where id = '\(ana)'")
        == hash(name).map { String(format: "%02x", $0) }.joined())
    #expect(try await store.text("select name_key_id from identity.tombstones where id = '\(gone)'") == hash.keyID)
    #expect(try await store.text("select name_key_id from identity.tombstones where id = '\(lost)'") == former.keyID)
    #expect(try await store.count("select count(*) from identity.name_key_rotations where finished_at is not null") == 1)
    // The hint still names the live user.
    let reply = try await process.execute([store.command(.deleteUser, on: gone)]).first
    guard case .refused(404, let error)? = reply?.outcome else {
      Issue.record("\(String(describing: reply))")
      return
    }
    #expect(String(decoding: error, as: UTF8.self).contains("\(ana)"), "\(String(decoding: error, as: UTF8.self))")
  }
}
