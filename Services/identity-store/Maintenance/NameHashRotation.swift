import Foundation
import Logging
import Models
import Postgres
import ServiceLifecycle

/// Rotates the key for the names of deleted users (``NameHash``), in small transactions.
///
/// While a former key is set, each pass gives all users the hashes of both keys, and tombstones whose name a live user has the hash of the new
/// key. Processes that do not have the new key yet may write users without it, so passes are repeated. The rotation is finished after a pass
/// that changed nothing: then no hint that there is depends on the former key.
struct NameHashRotation: Service {
  let pool: PostgresPool
  let nameHash: NameHash
  /// The id of the former key.
  let former: String
  let logger: Logger
  /// The pause after a pass that changed rows.
  var interval = Duration.seconds(60)
  /// The pause after a pass that changed nothing.
  var idleInterval = Duration.seconds(3600)
  /// The number of users that a transaction reads.
  var page = 1000

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        var pause = interval
        do {
          if try await runPass() == 0 { pause = idleInterval }
        } catch is CancellationError {
          return
        } catch {
          logger.warning("the key of tombstones is not rotated yet; will retry", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: pause) } catch { return }
      }
    }
  }

  /// Goes through all users once, and returns the number of rows that changed. Processes that do it at the same time change each row once.
  func runPass() async throws -> Int {
    let keys: [PostgresValue] = [.text(nameHash.keyID), .text(former)]
    _ = try await pool.query(NameHashStatements.start, keys)
    var changed = 0
    var place = ResourceKey(workspace: Self.zero, id: ResourceID(Self.zero.uuid))
    while let last = try await rehash(after: place, counting: &changed) { place = last }
    changed += try await pool.query(NameHashStatements.moveTombstones, keys).affected
    guard changed == 0 else {
      logger.info("names of users hashed with the new key", metadata: ["rows": "\(changed)"])
      return changed
    }
    _ = try await pool.query(NameHashStatements.finish, keys)
    return 0
  }

  private static let zero = WorkspaceID(bytes: Array(repeating: 0, count: 16))

  /// Writes the hashes of a page of users, and returns the last of them; nil if there are no more.
  private func rehash(after place: ResourceKey, counting changed: inout Int) async throws -> ResourceKey? {
    let rows = try await pool.query(
      NameHashStatements.users, [.uuid(place.workspace.uuid), .uuid(place.id.uuid), .int(Int64(page))])
    var last: ResourceKey?
    var outdated: [(key: ResourceKey, name: NameKey, hash: [UInt8], former: [UInt8]?)] = []
    for row in rows {
      let key = ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1)))
      let name = NameKey(workspace: key.workspace, name: try row.string(3))
      let (hash, former) = (nameHash(name), nameHash.former(try row.string(2), stored: name))
      last = key
      let (storedHash, storedFormer) = (try row.optionalBytes(4), try row.optionalBytes(5))
      if storedHash != hash || storedFormer != former { outdated.append((key, name, hash, former)) }
    }
    if !outdated.isEmpty {
      let values: [PostgresValue] = [
        .textArray(outdated.map(\.name.name)), .bytesArray(outdated.map(\.hash)), .bytesArray(outdated.map(\.former)),
      ]
      changed += try await pool.query(NameHashStatements.write, outdated.map(\.key).columns + values).affected
    }
    return last
  }
}

/// The statements of ``NameHashRotation``. Parameters of those about keys: the id of the key, and that of the former key.
enum NameHashStatements {
  /// Tombstones from before keys were told apart have the key that is the former one now.
  static let start = Statement(
    "start rotation of tombstone key",
    """
    with begun as (
      insert into identity.name_key_rotations (key_id, former_key_id, started_at)
      values ($1, $2, now())
      on conflict do nothing
      returning key_id
    )
    update identity.tombstones
    set name_key_id = $2
    where name_key_id is null
    and user_name_hash is not null
    and exists (select from begun)
    """)

  static let users = Statement(
    "users with hashes of names",
    """
    select workspace_id, id, user_name, user_name_key, user_name_hash, former_name_hash
    from identity.users
    where (workspace_id, id) > ($1, $2)
    order by workspace_id, id
    limit $3
    """)

  /// Leaves users who were renamed meanwhile as they are: who renamed them has written the hashes.
  static let write = Statement(
    "write hashes of names",
    """
    update identity.users u
    set user_name_hash = written.hash, former_name_hash = written.former
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::bytea[]) as written (workspace_id, id, name_key, hash, former)
    where u.workspace_id = written.workspace_id and u.id = written.id and u.user_name_key = written.name_key
    """)

  static let moveTombstones = Statement(
    "move tombstones to the new key",
    """
    update identity.tombstones t
    set user_name_hash = u.user_name_hash, name_key_id = $1
    from identity.users u
    where t.name_key_id = $2
    and u.workspace_id = t.workspace_id
    and u.former_name_hash = t.user_name_hash
    """)

  static let finish = Statement(
    "finish rotation of tombstone key",
    """
    update identity.name_key_rotations
    set finished_at = coalesce(finished_at, now())
    where key_id = $1 and former_key_id = $2
    """)
}
