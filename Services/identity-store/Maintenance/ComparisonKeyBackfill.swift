import Foundation
import Logging
import Models
import Postgres
import Primitives
import SCIM
import ServiceLifecycle

/// Recomputes stored comparison keys in the background, in small transactions: after an upgrade that changes ``ComparisonKey/version``, and
/// for rows that an older build wrote.
///
/// If another row already has the new key, the row is stored under a placeholder key that no lookup finds. `scimctl doctor` lists such
/// rows; they get their key once the other row is renamed or deleted. Pending rows are in `identity.outdated_keys`, so it can be
/// interrupted.
struct ComparisonKeyBackfill: Service {
  let pool: PostgresPool
  let writer: ChangeWriter
  let logger: Logger

  /// The maximum number of rows in one transaction.
  private static let batch = 200
  private static let interval = Duration.seconds(30)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          try await runOnce()
        } catch is CancellationError {
          return
        } catch {
          logger.warning("comparison keys not recomputed; will retry", metadata: ["error": "\(error)"])
        }
        do { try await Task.sleep(for: Self.interval) } catch { return }
      }
    }
  }

  /// Recomputes all outdated keys.
  func runOnce() async throws {
    while try await checkWorkspaces() {}
    var rekeyed = 0
    while case let done = try await rekey(), done > 0 { rekeyed += done }
    if rekeyed > 0 { logger.info("comparison keys recomputed", metadata: ["rows": "\(rekeyed)"]) }
  }

  // MARK: - Find outdated keys

  /// Records rows with possibly outdated keys, for a few workspaces; returns whether there may be more workspaces.
  private func checkWorkspaces() async throws -> Bool {
    let version = PostgresValue.int(Int64(ComparisonKey.version))
    let workspaces = try await pool.query(BackfillStatements.uncheckedWorkspaces, [version]).map { WorkspaceID(try $0.uuid(0)) }
    for workspace in workspaces {
      let id = PostgresValue.uuid(workspace.uuid)
      try await pool.transaction { transaction in
        let signIns = try await transaction.pipeline([
          (BackfillStatements.markUsers, [id]), (BackfillStatements.markGroups, [id]), (BackfillStatements.earlySignIns, [id]),
        ])[2].map { (key: try $0.string(0), at: try $0.timestamp(1)) }
        let changed = signIns.filter { !$0.key.utf8.elementsEqual(ComparisonKey($0.key).text.utf8) }
        _ = try await transaction.pipeline(
          [
            (BackfillStatements.deleteEarlySignIns, [id, .textArray(changed.map(\.key))]),
            (
              BackfillStatements.insertEarlySignIns,
              [id, .textArray(changed.map { ComparisonKey($0.key).text }), .timestampArray(changed.map(\.at))]
            ),
            (BackfillStatements.writeVersion, [id, version]),
          ], commit: true)
      }
    }
    return !workspaces.isEmpty
  }

  // MARK: - Recompute

  /// Recomputes the keys of a batch of rows and returns their number. An advisory lock limits this to one process at a time.
  private func rekey() async throws -> Int {
    try await pool.transaction { transaction in
      guard try await transaction.query(BackfillStatements.lock, [.int(BackfillStatements.lockKey)]).first?.bool(0) == true else {
        return 0
      }
      var writeSet = WriteSet()
      var count = 0
      for row in try await transaction.query(BackfillStatements.outdated, [.int(Int64(Self.batch))]) {
        let key = ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(2)))
        let name = try row.optionalString(3).map { NameKey(workspace: key.workspace, comparing: $0) }
        if try row.string(1) == "User" {
          writeSet.users.insert(key)
          if let name { writeSet.userNames.insert(name) }
        } else {
          writeSet.groups.insert(key)
          if let name { writeSet.groupNames.insert(name) }
        }
        count += 1
      }
      guard count > 0 else { return 0 }
      // Lock the names, and load the rows that already have the new keys.
      let state = try await WorkingSetLoader().load(writeSet, in: transaction)
      let users = Rekeying(of: writeSet.users, records: state.users, names: writeSet.userNames)
      let groups = Rekeying(of: writeSet.groups, records: state.groups, names: writeSet.groupNames)
      _ = try await transaction.pipeline(
        [
          (WriteStatements.updateUsers, writer.userColumns(try users.written.map { try $0.withOtherEmailKeys() })),
          (WriteStatements.updateGroups, writer.groupColumns(groups.written)),
        ] + steps(users, "User") + steps(groups, "Group"), commit: true)
      return count
    }
  }

  private func steps<Record>(_ rekeying: Rekeying<Record>, _ type: String) -> [(Statement, [PostgresValue])] {
    let conflicts = rekeying.conflicts.sorted { $0.key < $1.key }
    return [
      (BackfillStatements.done, [.text(type)] + rekeying.done.sorted().columns),
      (BackfillStatements.conflicts, [.text(type)] + conflicts.map(\.key).columns + [.uuidArray(conflicts.map(\.value.id.uuid))]),
    ]
  }
}

/// A record that is stored under the comparison key of its name: a user or a group.
protocol NameKeyedRecord {
  var key: ResourceKey { get }
  var createdAt: Date { get }
  var nameKey: NameKey { get }
  var ownNameKey: NameKey { get }
  var storedNameKey: String? { get set }
  /// Whether other records may have the same name.
  var mayShareName: Bool { get }
}

extension UserRecord: NameKeyedRecord {
  var mayShareName: Bool { false }
}
extension GroupRecord: NameKeyedRecord {}

/// Assigns comparison keys to outdated rows, and detects conflicts.
struct Rekeying<Record: NameKeyedRecord> {
  /// The rows to write, with their new keys or with a duplicate key.
  private(set) var written: [Record] = []
  /// The rows that are up to date now.
  private(set) var done: Set<ResourceKey> = []
  /// The rows whose new key belongs to another row, with that row.
  private(set) var conflicts: [ResourceKey: ResourceKey] = [:]

  /// - Parameters:
  ///   - outdated: The keys of the rows; deleted ones are done.
  ///   - records: The stored rows, and the rows that have one of `names`.
  ///   - names: The locked names. A row that was renamed meanwhile is left for the next run.
  init(of outdated: Set<ResourceKey>, records: [ResourceKey: Record], names: Set<NameKey>) {
    var owners = Dictionary(records.values.map { ($0.nameKey, $0.key) }, uniquingKeysWith: { first, _ in first })
    done = outdated.filter { records[$0] == nil }
    // The oldest row gets the name.
    let rows = outdated.compactMap { records[$0] }.sorted { ($0.createdAt, $0.key) < ($1.createdAt, $1.key) }
    for var record in rows where names.contains(record.ownNameKey) {
      if !record.mayShareName, let owner = owners[record.ownNameKey], owner != record.key {
        conflicts[record.key] = owner
        let duplicate = NameKey.duplicate(record.key).name
        if record.storedNameKey == duplicate { continue }
        record.storedNameKey = duplicate
      } else {
        // One statement writes all rows, so the old key is only available in the next run.
        owners[record.ownNameKey] = record.key
        record.storedNameKey = nil
        done.insert(record.key)
      }
      written.append(record)
    }
  }
}

extension UserRecord {
  /// Returns the record with the email keys recomputed from its document.
  fileprivate func withOtherEmailKeys() throws -> UserRecord {
    var record = self
    let json = try JSON(parsing: document + Array("}}".utf8))
    let emails = (json.object?["emails"]?.array ?? []).compactMap { $0.object?["value"]?.string }.filter { !$0.isEmpty }
    record.otherEmailKeys = otherEmailKeys(of: emails)
    return record
  }
}

/// The statements of the backfill.
enum BackfillStatements {
  static let lockKey: Int64 = 0x726f_6c6c_0013

  static let lock = Statement(
    "lock outdated keys",
    """
    select pg_try_advisory_xact_lock($1)
    """)

  static let uncheckedWorkspaces = Statement(
    "workspaces with unchecked keys",
    """
    select id
    from identity.workspaces
    where coalesce(key_version, 0) < $1
    limit 100
    """)

  // Keys of printable ASCII text without surrounding blanks are the same in all versions. Values are separated by bars; the keys of
  // additional addresses have one blank after the workspace id.
  private static let pattern = #"'[^ -~]|\| | \||  '"#

  static let markUsers = Statement(
    "note outdated keys of users",
    """
    insert into identity.outdated_keys (workspace_id, type, id)
    select workspace_id, 'User', id
    from identity.users
    where workspace_id = $1
    and '|' || user_name || '|' || concat_ws('|', email, display_name, given_name, family_name, array_to_string(other_email_keys, '|'), '')
      collate "C" ~ \(pattern)
    on conflict (workspace_id, type, id) do nothing
    """)

  static let markGroups = Statement(
    "note outdated keys of groups",
    """
    insert into identity.outdated_keys (workspace_id, type, id)
    select workspace_id, 'Group', id
    from identity.groups
    where workspace_id = $1
    and '|' || display_name || '|' collate "C" ~ \(pattern)
    on conflict (workspace_id, type, id) do nothing
    """)

  static let earlySignIns = Statement(
    "outdated keys of early sign-ins",
    """
    select email_key, signed_in_at
    from identity.early_sign_ins
    where workspace_id = $1
    and '|' || email_key || '|' collate "C" ~ \(pattern)
    """)

  static let deleteEarlySignIns = Statement(
    "delete outdated early sign-ins",
    """
    delete from identity.early_sign_ins
    where workspace_id = $1
    and email_key = any ($2)
    """)

  static let insertEarlySignIns = Statement(
    "insert re-keyed early sign-ins",
    """
    insert into identity.early_sign_ins as s (workspace_id, email_key, signed_in_at)
    select $1::uuid, key, min(signed_in_at)
    from unnest($2::text[], $3::timestamptz[]) as rekeyed (key, signed_in_at)
    group by key
    on conflict (workspace_id, email_key) do update
    set signed_in_at = least(s.signed_in_at, excluded.signed_in_at)
    """)

  static let writeVersion = Statement(
    "note the version of a workspace's keys",
    """
    update identity.workspaces
    set key_version = $2
    where id = $1
    """)

  /// Selects outdated rows. Rows with a conflict are rechecked once a minute.
  static let outdated = Statement(
    "outdated keys",
    """
    select o.workspace_id, o.type, o.id, coalesce(u.user_name, g.display_name)
    from (
      select workspace_id, type, id
      from identity.outdated_keys
      where conflicting_id is null
      or checked_at < now() - interval '1 minute'
      order by workspace_id, type, id
      limit $1::int8
    ) o
    left join identity.users u on o.type = 'User' and u.workspace_id = o.workspace_id and u.id = o.id
    left join identity.groups g on o.type = 'Group' and g.workspace_id = o.workspace_id and g.id = o.id
    """)

  static let done = Statement(
    "keys computed again",
    """
    delete from identity.outdated_keys o
    using unnest($2::uuid[], $3::uuid[]) as done (workspace_id, id)
    where o.workspace_id = done.workspace_id
    and o.type = $1
    and o.id = done.id
    """)

  static let conflicts = Statement(
    "keys that other rows have",
    """
    update identity.outdated_keys o
    set conflicting_id = found.conflicting_id, checked_at = now()
    from unnest($2::uuid[], $3::uuid[], $4::uuid[]) as found (workspace_id, id, conflicting_id)
    where o.workspace_id = found.workspace_id
    and o.type = $1
    and o.id = found.id
    """)
}
