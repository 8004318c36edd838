import Foundation
import Models
import Postgres
import Primitives

// The statement that loads what most commands need.
extension LoadStatements {
  /// Loads recorded replies, workspaces, early sign-ins, users and groups; locks the users, and then the groups, in the order of their keys.
  ///
  /// One statement returns rows of several kinds, because for a small batch PostgreSQL spends more time on starting a statement than on its
  /// rows. A batch without users or groups does not ask for them.
  static func rows(_ writeSet: WriteSet, knowing known: [WorkspaceID: WorkspaceRecord]) -> Load {
    let workspaces = writeSet.workspaces.sorted()
    var parameters: [PostgresValue] = writeSet.commands.sorted().columns
    parameters += [
      .uuidArray(workspaces.map(\.uuid)), .intArray(workspaces.map { known[$0]?.version ?? 0 }), .textArray(writeSet.slugs.sorted()),
    ]
    let hasUsers = !writeSet.users.isEmpty || !writeSet.userNames.isEmpty || !writeSet.emails.isEmpty
    if hasUsers {
      parameters += writeSet.users.sorted().columns + writeSet.userNames.union(writeSet.emails).sorted().columns
      parameters += writeSet.emails.sorted().columns
    }
    let hasGroups = !writeSet.groups.isEmpty || !writeSet.groupNames.isEmpty
    if hasGroups { parameters += writeSet.groups.sorted().columns + writeSet.groupNames.sorted().columns }
    let statement =
      switch (hasUsers, hasGroups) {
      case (false, false): workspaceRows
      case (true, false): userRows
      case (false, true): groupRows
      case (true, true): userAndGroupRows
      }
    return Load(statement: statement, parameters: parameters) { row, set in try read(LoadedRow(row: row), knowing: known, into: &set) }
  }

  private static let workspaceRows = Statement("load workspaces", union([replies, workspaces]))
  private static let userRows = Statement("load users", union([replies, workspaces, earlySignIns, users]))
  private static let groupRows = Statement("load groups", union([replies, workspaces, groups(from: 6)]))
  private static let userAndGroupRows = Statement(
    "load users and groups", union([replies, workspaces, earlySignIns, users, groups(from: 12)]))

  private static func read(_ row: LoadedRow, knowing known: [WorkspaceID: WorkspaceRecord], into set: inout WorkingSet) throws {
    switch try row.kind {
    case .reply: set.load(try row.reply)
    case .workspace: set.load(try row.workspace(known), hasHeldChanges: try row.hasHeldChanges, hasAccounts: try row.hasAccounts)
    case .earlySignIn:
      set.loadEarlySignIn(NameKey(workspace: try row.workspace, name: try row.string(.nameKey)), at: try row.time(.signedInAt))
    case .user: set.load(try row.user)
    case .group: set.load(try row.group)
    }
  }

  /// The rows of the parts, in their order. PostgreSQL executes the parts of `union all` one after the other, which keeps the order of locks.
  private static func union(_ parts: [String]) -> String { parts.joined(separator: "\nunion all\n") }

  private static let replies = LoadedRow.select(
    .reply, LoadedRow.replyColumns,
    """
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, command_id)
    join identity.replies using (workspace_id, command_id)
    """)

  private static let workspaces = LoadedRow.select(
    .workspace, LoadedRow.workspaceColumns,
    """
    from identity.workspaces w
    left join unnest($3::uuid[], $4::int8[]) as known (id, version) on known.id = w.id
    where w.id = any ($3) or w.slug = any ($5)
    """)

  private static let earlySignIns = LoadedRow.select(
    .earlySignIn, [.workspace: "workspace_id", .nameKey: "email_key", .signedInAt: "signed_in_at"],
    """
    from unnest($10::uuid[], $11::text[]) as touched (workspace_id, email_key)
    join identity.early_sign_ins using (workspace_id, email_key)
    """)

  /// Users by id, name and address; not by `externalId`, which alone never identifies a person.
  private static let users = LoadedRow.select(
    .user, LoadedRow.userColumns,
    """
    from (
      select u.*
      from (
        select workspace_id, id from unnest($6::uuid[], $7::uuid[]) as touched (workspace_id, id)
        union
        select workspace_id, u.id
        from unnest($8::uuid[], $9::text[]) as touched (workspace_id, user_name_key)
        join identity.users u using (workspace_id, user_name_key)
        union
        select workspace_id, u.id
        from unnest($10::uuid[], $11::text[]) as touched (workspace_id, email_key)
        join identity.users u using (workspace_id, email_key)
        -- Users whose userName is the address are found by it.
        where u.email_key is distinct from u.user_name_key
      ) found
      join identity.users u using (workspace_id, id)
      order by u.workspace_id, u.id
      for no key update of u
    ) u
    """)

  /// Groups by id and name. The number is that of the first of four parameters.
  private static func groups(from first: Int) -> String {
    LoadedRow.select(
      .group, LoadedRow.groupColumns,
      """
      from (
        select g.*
        from (
          select workspace_id, id from unnest($\(first)::uuid[], $\(first + 1)::uuid[]) as touched (workspace_id, id)
          union
          select workspace_id, g.id
          from unnest($\(first + 2)::uuid[], $\(first + 3)::text[]) as touched (workspace_id, display_name_key)
          join identity.groups g using (workspace_id, display_name_key)
        ) found
        join identity.groups g using (workspace_id, id)
        order by g.workspace_id, g.id
        for no key update of g
      ) g
      """)
  }
}
