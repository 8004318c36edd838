import Foundation
import Models
import Postgres

// Loads for commands that change settings and tokens.
extension LoadStatements {
  /// Locks the workspaces whose settings are written, so that concurrent changes are serialised, and loads the owners of their domains and
  /// the number of users with removed roles.
  static func settings(_ writeSet: WriteSet) -> [Load] {
    let workspaces = writeSet.keptRoles.keys.sorted()
    let kept = workspaces.flatMap { workspace in
      (writeSet.keptRoles[workspace] ?? []).sorted().map { NameKey(workspace: workspace, name: $0) }
    }
    return [
      Load(statement: lockWorkspaces, parameters: [.uuidArray(workspaces.map(\.uuid))]) { _, _ in },
      Load(statement: domainStatement, parameters: [.textArray(writeSet.domains.sorted())]) { row, set in
        set.loadDomain(try row.string(0), of: WorkspaceID(try row.uuid(1)), slug: try row.string(2))
      },
      Load(statement: roleStatement, parameters: [.uuidArray(workspaces.map(\.uuid))] + kept.columns) { row, set in
        set.loadUsers(try row.int(2), in: try row.string(1), of: WorkspaceID(try row.uuid(0)))
      },
    ]
  }

  /// Locks workspaces whose settings a command changes in part.
  static func workspaceLocks(_ workspaces: Set<WorkspaceID>) -> Load {
    Load(statement: lockWorkspaces, parameters: [.uuidArray(workspaces.sorted().map(\.uuid))]) { _, _ in }
  }

  private static let lockWorkspaces = Statement(
    "lock workspaces",
    """
    select id
    from identity.workspaces
    where id = any ($1)
    order by id
    for no key update
    """)

  private static let domainStatement = Statement(
    "load domains",
    """
    select d.domain, d.workspace_id, w.slug
    from identity.domains d
    join identity.workspaces w on w.id = d.workspace_id
    where d.domain = any ($1)
    """)

  /// The workspaces in which mail domains are verified.
  static func mailDomains(_ domains: Set<String>) -> Load {
    Load(statement: mailDomainStatement, parameters: [.textArray(domains.sorted())]) { row, set in
      set.loadMailDomain(try row.string(0), of: WorkspaceID(try row.uuid(1)))
    }
  }

  private static let mailDomainStatement = Statement(
    "load mail domains",
    """
    select domain, workspace_id
    from identity.mail_domains
    where domain = any ($1)
    """)

  private static let roleStatement = Statement(
    "load users of roles",
    """
    select w.id, stored.role, (
      select count(*)
      from identity.users u
      where u.workspace_id = w.id
      and u.role = stored.role
      and u.role not in ('admin', 'editor', 'viewer')
    )
    from identity.workspaces w
    cross join jsonb_array_elements_text(w.settings -> 'customRoles') as stored (role)
    where w.id = any ($1)
    and not exists (
      select from unnest($2::uuid[], $3::text[]) as kept (workspace_id, role)
      where kept.workspace_id = w.id and kept.role = stored.role
    )
    """)

  /// The tokens, and their successors.
  static func tokens(_ tokens: Set<ResourceKey>) -> Load {
    Load(statement: tokenStatement, parameters: tokens.sorted().columns) { row, set in
      set.load(try tokenRecord(row))
    }
  }

  private static let tokenStatement = Statement(
    "load tokens",
    """
    with touched as (
      select * from unnest($1::uuid[], $2::uuid[]) as touched (workspace_id, id)
    ),
    found as (
      select workspace_id, id from touched
      union
      select t.workspace_id, t.id
      from touched
      join identity.tokens t on t.workspace_id = touched.workspace_id and t.predecessor_id = touched.id
    )
    select
      workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, revoked_at, kind, predecessor_id, former_digest,
      former_until, opened_with
    from found
    join identity.tokens using (workspace_id, id)
    """)

  private static func tokenRecord(_ row: Row) throws -> TokenRecord {
    let kind = try row.string(9)
    guard let kind = TokenKind(rawValue: kind) else { throw UnknownKind(kind: kind) }
    var former: TokenRecord.FormerSecret?
    if let digest = try row.optionalBytes(11), let until = try row.optionalTimestamp(12) {
      former = TokenRecord.FormerSecret(digest: digest, until: until)
    }
    return TokenRecord(
      key: ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1))), kind: kind, name: try row.string(2),
      digest: try row.bytes(3), scopes: try row.textArray(4).compactMap(TokenScope.init(rawValue:)),
      expiresAt: try row.optionalTimestamp(5), createdBy: try row.string(6), createdAt: try row.timestamp(7),
      revokedAt: try row.optionalTimestamp(8), predecessor: try row.optionalUUID(10).map { TokenID($0) },
      openedWith: try row.optionalUUID(13).map { TokenID($0) }, former: former)
  }

  static func addresses(_ days: Set<TokenDay>) -> Load {
    let days = days.sorted()
    return Load(statement: addressStatement, parameters: days.map(\.token).columns + [.textArray(days.map(\.day))]) { row, set in
      let token = ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1)))
      set.loadAddress(try row.string(3), on: TokenDay(token: token, day: try row.string(2)))
    }
  }

  private static let addressStatement = Statement(
    "load addresses of tokens",
    """
    select u.workspace_id, u.token_id, touched.day, u.address
    from unnest($1::uuid[], $2::uuid[], $3::text[]) as touched (workspace_id, token_id, day)
    join identity.token_uses u
    on u.workspace_id = touched.workspace_id and u.token_id = touched.token_id and u.day = touched.day::date
    """)
}

/// The error for a kind of token in the database that this build does not know.
struct UnknownKind: Error, CustomStringConvertible {
  var kind: String
  var description: String { "identity.tokens has the unknown kind '\(kind)'; this build is older than the database" }
}
