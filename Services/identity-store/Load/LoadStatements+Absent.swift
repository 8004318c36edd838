import Foundation
import Models
import Postgres

// Loads for what the first statements did not find.
extension LoadStatements {
  /// The loads that depend on the rows of `set`: current held changes where there may be any, tombstones instead of missing rows, and what
  /// recorded replies refer to.
  static func loads(for writeSet: WriteSet, notYetIn set: WorkingSet) -> [Load] {
    let named = writeSet.users.union(writeSet.groups)
    let held = named.union(set.users.keys).union(set.groups.keys).filter { writeSet.mayHoldChanges($0.workspace, in: set) }
    let missing = named.filter { set.users[$0] == nil && set.groups[$0] == nil }
    let replied = set.incompleteReplies(to: writeSet.commands)
    var loads: [Load] = []
    if !held.isEmpty { loads.append(heldChanges(of: held)) }
    if !missing.isEmpty { loads.append(tombstones(missing)) }
    if !replied.isEmpty { loads.append(repliedResources(replied, awaited: writeSet.awaited)) }
    return loads
  }

  /// The tombstones of resources, with the live user of the same name.
  static func tombstones(_ resources: Set<ResourceKey>) -> Load {
    Load(statement: tombstoneStatement, parameters: resources.sorted().columns) { row, set in
      let column = LoadedRow.Column.allCases.count + 1
      let key = ResourceKey(workspace: WorkspaceID(try row.uuid(column)), id: ResourceID(try row.uuid(column + 1)))
      let tombstone = Tombstone(
        key: key, type: try row.string(column + 2) == "User" ? .user : .group, userNameHash: nil,
        version: try row.optionalInt(column + 4).map(Int64.init), deletedAt: try row.timestamp(column + 3))
      let successor = LoadedRow(row: row)
      set.load(tombstone, successor: row.isNull(LoadedRow.Column.id.rawValue) ? nil : try successor.user)
    }
  }

  private static let tombstoneStatement = Statement(
    "load tombstones",
    LoadedRow.select(
      .user, LoadedRow.userColumns,
      """
      , t.workspace_id, t.id, t.type, t.deleted_at, t.version
      from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
      join identity.tombstones t using (workspace_id, id)
      left join lateral (
        select * from identity.users n where n.workspace_id = t.workspace_id and n.user_name_hash = t.user_name_hash
        union all
        select * from identity.users f where f.workspace_id = t.workspace_id and f.former_name_hash = t.user_name_hash
      ) u on true
      """))

  /// The present state of users and groups that recorded replies refer to; see ``Reply/recorded()``.
  static func repliedResources(_ resources: Set<ResourceKey>, awaited: Set<CommandID>) -> Load {
    Load(statement: resourceStatement, parameters: resources.sorted().columns) { row, set in
      set.completeReplies(
        with: StoredResource(
          id: ResourceID(try row.uuid(0)), version: Int64(try row.int(1)), modifiedAt: try row.timestamp(2), document: try row.bytes(3)),
        awaited: awaited)
    }
  }

  private static let resourceStatement = Statement(
    "load resources of replies",
    """
    select u.id, u.version, u.modified_at, u.document
    from unnest($1::uuid[], $2::uuid[]) as replied (workspace_id, id)
    join identity.users u using (workspace_id, id)
    union all
    select g.id, g.version, g.modified_at, g.document
    from unnest($1::uuid[], $2::uuid[]) as replied (workspace_id, id)
    join identity.groups g using (workspace_id, id)
    """)
}

extension WorkingSet {
  /// The resources of recorded replies to `commands` that lack the document.
  fileprivate func incompleteReplies(to commands: Set<ResourceKey>) -> Set<ResourceKey> {
    guard !replies.isEmpty else { return [] }
    return Set(
      commands.compactMap { command in
        replies[CommandID(command.id.uuid)]?.resourceWithoutDocument.map { ResourceKey(workspace: command.workspace, id: $0) }
      })
  }

  /// Adds the present state of a resource to the recorded replies that lack it. A reply that nobody waits for, as to an operation of a bulk
  /// request, keeps its version.
  fileprivate mutating func completeReplies(with present: StoredResource, awaited: Set<CommandID>) {
    for reply in replies.values {
      guard case .resource(let recorded, _) = reply.outcome, recorded.document.isEmpty, recorded.id == present.id,
        awaited.contains(reply.command) || recorded.version == present.version
      else { continue }
      load(reply.completed(with: present))
    }
  }
}
