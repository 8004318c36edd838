import Foundation
import Models
import Postgres
import Primitives

/// The statements that load a working set. Names are locked first, then rows in the order of their keys.
enum LoadStatements {
  /// The loads that a write set needs.
  static func loads(for writeSet: WriteSet) -> [Load] {
    var loads: [Load] = []
    let names = writeSet.nameLocks
    if !names.isEmpty { loads.append(Load(statement: lockNames, parameters: [.intArray(names)]) { _, _ in }) }
    if !writeSet.deactivating.isEmpty { loads += recentDeactivations(writeSet.deactivating) }
    if !writeSet.keptRoles.isEmpty { loads += settings(writeSet) }
    loads.append(replies(writeSet.commands))
    loads.append(workspaces(writeSet))
    if !writeSet.users.isEmpty || !writeSet.userNames.isEmpty { loads.append(users(writeSet)) }
    if !writeSet.users.isEmpty || !writeSet.groups.isEmpty { loads.append(tombstones(writeSet)) }
    if !writeSet.emails.isEmpty { loads.append(earlySignIns(writeSet.emails)) }
    if !writeSet.groups.isEmpty || !writeSet.groupNames.isEmpty { loads.append(groups(writeSet)) }
    if !writeSet.memberships.isEmpty { loads.append(absentMembers(writeSet.memberships)) }
    if !writeSet.replacedGroups.isEmpty { loads.append(otherMembers(writeSet)) }
    if !writeSet.users.isEmpty || !writeSet.groups.isEmpty { loads.append(heldChanges(writeSet)) }
    if !writeSet.memberRanges.isEmpty { loads.append(membersInRanges(writeSet.memberRanges)) }
    if !writeSet.allTokens.isEmpty { loads.append(tokens(writeSet.allTokens)) }
    if !writeSet.tokenDays.isEmpty { loads.append(addresses(writeSet.tokenDays)) }
    return loads
  }

  // A new name has no row to lock, so two processes could both find it available.
  private static let lockNames = Statement(
    "lock names",
    """
    select pg_advisory_xact_lock(name) from unnest($1::int8[]) as name
    """)

  private static func replies(_ commands: Set<ResourceKey>) -> Load {
    let keys = commands.sorted()
    return Load(statement: replyStatement, parameters: keys.columns) { row, set in
      let attributes = [String: String](pairs: try row.textArray(1))
      set.load(try Reply(command: CommandID(row.uuid(0)), attributes: attributes, data: row.bytes(2)))
    }
  }

  private static let replyStatement = Statement(
    "load replies",
    """
    select command_id, attributes, data
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, command_id)
    join identity.replies using (workspace_id, command_id)
    """)

  private static func workspaces(_ writeSet: WriteSet) -> Load {
    Load(
      statement: workspaceStatement,
      parameters: [.uuidArray(writeSet.workspaces.sorted().map(\.uuid)), .textArray(writeSet.slugs.sorted())]
    ) { row, set in
      set.load(
        WorkspaceRecord(
          id: WorkspaceID(try row.uuid(0)),
          settings: try JSONData.decode(from: row.bytes(1), type: "workspace settings"),
          version: Int64(try row.int(2)), createdAt: try row.timestamp(3), modifiedAt: try row.timestamp(4)))
    }
  }

  private static let workspaceStatement = Statement(
    "load workspaces",
    """
    select id, settings::text, version, created_at, modified_at
    from identity.workspaces
    where id = any ($1) or slug = any ($2)
    """)

  /// Loads and locks users by id, name and address; not by `externalId`, which alone never identifies a person.
  private static func users(_ writeSet: WriteSet) -> Load {
    let byName = writeSet.userNames.union(writeSet.emails).sorted()
    return Load(
      statement: userStatement,
      parameters: writeSet.users.sorted().columns + byName.columns + writeSet.emails.sorted().columns
    ) { row, set in set.load(try userRecord(row)) }
  }

  /// Loads tombstones by id, with the live user of the same name.
  private static func tombstones(_ writeSet: WriteSet) -> Load {
    Load(statement: tombstoneStatement, parameters: (writeSet.users.sorted() + writeSet.groups.sorted()).columns) { row, set in
      let key = ResourceKey(workspace: WorkspaceID(try row.uuid(userColumnCount)), id: ResourceID(try row.uuid(userColumnCount + 1)))
      let tombstone = Tombstone(
        key: key, type: try row.string(userColumnCount + 2) == "User" ? .user : .group, userNameHash: nil,
        version: try row.optionalInt(userColumnCount + 4).map(Int64.init), deletedAt: try row.timestamp(userColumnCount + 3))
      set.load(tombstone, successor: try row.optionalUUID(0) == nil ? nil : try userRecord(row))
    }
  }

  private static let userColumns = """
    u.workspace_id, u.id, u.user_name, u.external_id, u.display_name, u.given_name, u.family_name, u.email, u.language, u.state, u.role,
    u.first_signed_in_at, u.version, u.created_at, u.modified_at, u.document, u.other_email_keys, u.user_name_key
    """
  private static let userColumnCount = 18

  private static let userStatement = Statement(
    "load users",
    """
    with found as (
      select workspace_id, id from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
      union
      select workspace_id, u.id
      from unnest($3::uuid[], $4::text[]) as touched (workspace_id, user_name_key)
      join identity.users u using (workspace_id, user_name_key)
      union
      select workspace_id, u.id
      from unnest($5::uuid[], $6::text[]) as touched (workspace_id, email_key)
      join identity.users u using (workspace_id, email_key)
      -- Users whose userName is the address are found by it.
      where u.email_key is distinct from u.user_name_key
    )
    select \(userColumns)
    from identity.users u
    join found using (workspace_id, id)
    order by u.workspace_id, u.id
    for no key update of u
    """)

  private static let tombstoneStatement = Statement(
    "load tombstones",
    """
    select \(userColumns), t.workspace_id, t.id, t.type, t.deleted_at, t.version
    from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
    join identity.tombstones t using (workspace_id, id)
    left join lateral (
      select * from identity.users n where n.workspace_id = t.workspace_id and n.user_name_hash = t.user_name_hash
      union all
      select * from identity.users f where f.workspace_id = t.workspace_id and f.former_name_hash = t.user_name_hash
    ) u on true
    """)

  private static func userRecord(_ row: Row) throws -> UserRecord {
    let state = try row.string(9)
    guard let state = UserState(rawValue: state) else { throw UnknownState(state: state) }
    return UserRecord(
      key: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))), userName: try row.string(2),
      externalID: try row.optionalString(3), displayName: try row.optionalString(4), givenName: try row.optionalString(5),
      familyName: try row.optionalString(6), email: try row.optionalString(7),
      otherEmailKeys: try row.optionalTextArray(16) ?? [], language: try row.optionalString(8), state: state,
      role: try row.string(10), firstSignedInAt: try row.optionalTimestamp(11), version: Int64(try row.int(12)),
      createdAt: try row.timestamp(13), modifiedAt: try row.timestamp(14), document: try row.bytes(15),
      storedNameKey: try storedKey(row.string(17), of: row.string(2)))
  }

  /// The stored key if it differs from the key of the name.
  private static func storedKey(_ stored: String, of name: String) -> String? {
    stored.utf8.elementsEqual(ComparisonKey(name).text.utf8) ? nil : stored
  }

  private static func earlySignIns(_ emails: Set<NameKey>) -> Load {
    Load(statement: earlySignInStatement, parameters: emails.sorted().columns) { row, set in
      set.loadEarlySignIn(NameKey(workspace: WorkspaceID(try row.uuid(0)), name: try row.string(1)), at: try row.timestamp(2))
    }
  }

  private static let earlySignInStatement = Statement(
    "load early sign-ins",
    """
    select workspace_id, email_key, signed_in_at
    from unnest($1::uuid[], $2::text[]) as touched (workspace_id, email_key)
    join identity.early_sign_ins using (workspace_id, email_key)
    """)

  private static func groups(_ writeSet: WriteSet) -> Load {
    Load(statement: groupStatement, parameters: writeSet.groups.sorted().columns + writeSet.groupNames.sorted().columns) { row, set in
      set.load(try groupRecord(row))
    }
  }

  static let groupColumns = """
    g.workspace_id, g.id, g.display_name, g.external_id, g.version, g.created_at, g.modified_at, g.document,
    g.namesake <> '00000000-0000-0000-0000-000000000000', g.display_name_key
    """

  static func groupRecord(_ row: Row) throws -> GroupRecord {
    GroupRecord(
      key: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))), displayName: try row.string(2),
      externalID: try row.optionalString(3), version: Int64(try row.int(4)), createdAt: try row.timestamp(5),
      modifiedAt: try row.timestamp(6), document: try row.bytes(7), mayShareName: try row.bool(8),
      storedNameKey: try storedKey(row.string(9), of: row.string(2)))
  }

  private static let groupStatement = Statement(
    "load groups",
    """
    with found as (
      select workspace_id, id from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
      union
      select workspace_id, g.id
      from unnest($3::uuid[], $4::text[]) as touched (workspace_id, display_name_key)
      join identity.groups g using (workspace_id, display_name_key)
    )
    select \(groupColumns)
    from identity.groups g
    join found using (workspace_id, id)
    order by g.workspace_id, g.id
    for no key update of g
    """)

  /// Loads which named memberships do not exist, and whether their users exist.
  private static func absentMembers(_ memberships: Set<MembershipKey>) -> Load {
    Load(statement: absentMemberStatement, parameters: memberships.sorted().columns) { row, set in
      set.loadMembership(try membershipKey(row), isMember: false, isUser: try row.bool(3))
    }
  }

  private static let absentMemberStatement = Statement(
    "load absent members",
    """
    select named.workspace_id, named.group_id, named.user_id, u.id is not null
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as named (workspace_id, group_id, user_id)
    left join identity.memberships m using (workspace_id, group_id, user_id)
    left join identity.users u on u.workspace_id = named.workspace_id and u.id = named.user_id
    where m.user_id is null
    """)

  /// Loads the members of replaced groups that no command names, and who therefore leave.
  static func otherMembers(_ writeSet: WriteSet) -> Load {
    let named = writeSet.memberships.filter { writeSet.replacedGroups.contains($0.group) }.sorted()
    return Load(statement: otherMemberStatement, parameters: writeSet.replacedGroups.sorted().columns + named.columns) { row, set in
      set.loadMembership(try membershipKey(row), isMember: true, isUser: true)
    }
  }

  private static let otherMemberStatement = Statement(
    "load other members",
    """
    select m.workspace_id, m.group_id, m.user_id
    from unnest($1::uuid[], $2::uuid[]) as replaced (workspace_id, group_id)
    join identity.memberships m using (workspace_id, group_id)
    except
    select * from unnest($3::uuid[], $4::uuid[], $5::uuid[])
    """)

  /// Loads the members of groups whose ids are in a range.
  private static func membersInRanges(_ ranges: Set<MemberRangeKey>) -> Load {
    let ranges = ranges.sorted { $0.group < $1.group }
    let bounds: [PostgresValue] = [.uuidArray(ranges.map { $0.range.after?.uuid }), .uuidArray(ranges.map { $0.range.through?.uuid })]
    return Load(statement: membersInRangeStatement, parameters: ranges.map(\.group).columns + bounds) { row, set in
      set.loadMembership(try membershipKey(row), isMember: true, isUser: true)
    }
  }

  // Explicit bounds instead of nulls, so that the scan of the primary key is limited at both ends.
  private static let membersInRangeStatement = Statement(
    "load members in ranges",
    """
    select m.workspace_id, m.group_id, m.user_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) as wanted (workspace_id, group_id, after, through)
    join identity.memberships m
      on m.workspace_id = wanted.workspace_id
      and m.group_id = wanted.group_id
      and m.user_id >= coalesce(wanted.after, '00000000-0000-0000-0000-000000000000')
      and m.user_id <= coalesce(wanted.through, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      and m.user_id is distinct from wanted.after
    join identity.users u on u.workspace_id = m.workspace_id and u.id = m.user_id
    """)

  static func membershipKey(_ row: Row) throws -> MembershipKey {
    MembershipKey(
      group: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))), user: UserID(try row.uuid(2)))
  }
}

/// The error for a user state in the database that this build does not know.
struct UnknownState: Error, CustomStringConvertible {
  var state: String
  var description: String { "identity.users has the unknown state '\(state)'; this build is older than the database" }
}
