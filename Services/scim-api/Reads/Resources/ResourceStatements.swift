import EdgeHTTP
import Postgres
import SCIM
import SCIMStorage

/// The statements that read resources. Their texts are composed of a few parts, so there is a bounded number of them.
enum ResourceStatements {
  /// Parameters: workspace, id. Columns: id, version, modified_at, document and, `withRows`, ids, names.
  static func one(_ kind: ResourceKind, withRows: Bool) -> Statement {
    Statement(
      "scim_api_\(kind.table)_one\(withRows ? "_rows" : "")",
      """
      select p.id, p.version, p.modified_at, p.document\(withRows ? ", e.ids, e.names" : "")
      from identity_read.\(kind.table) p
      \(withRows ? kind.rowArrays : "")
      where p.workspace_id = $1
      and p.id = $2
      """)
  }

  /// What several users are found by.
  enum UserKey: String {
    case id
    case userName = "user_name_key"
  }

  /// Parameters: workspace, keys. Columns: the place of the key, then as in ``one(_:withRows:)``; no row where there is no such user.
  static func users(by key: UserKey, withRows: Bool) -> Statement {
    Statement(
      "scim_api_users_by_\(key.rawValue)\(withRows ? "_rows" : "")",
      """
      select k.place, p.id, p.version, p.modified_at, p.document\(withRows ? ", e.ids, e.names" : "")
      from unnest($2) with ordinality k (key, place)
      join identity_read.users p on p.workspace_id = $1 and p.\(key.rawValue) = k.key
      \(withRows ? ResourceKind.user.rowArrays : "")
      """)
  }

  /// Parameters: workspace, id, the id that the rows come behind, limit. Columns: id, name.
  static func rows(_ kind: ResourceKind) -> Statement {
    Statement(
      "scim_api_\(kind.table)_rows",
      """
      select \(kind.row.id), \(kind.row.name)
      from identity_read.memberships m
      join \(kind.row.table)
      where m.workspace_id = $1
      and m.\(kind.row.owner) = $2
      and m.\(kind.row.column) > $3
      order by m.\(kind.row.column)
      limit $4
      """)
  }

  /// Parameters: workspace, id, type. Columns: deleted_at, and id and userName of a live user with the name of the deleted one.
  static let remains = Statement(
    "scim_api_remains",
    """
    select t.deleted_at, s.id, s.user_name
    from identity_read.tombstones t
    left join lateral (
      select u.id, u.user_name
      from identity_read.users u
      where u.workspace_id = t.workspace_id
      and (
        u.user_name_hash = t.user_name_hash
        or u.id = (
          select f.id
          from identity_read.former_name_hashes f
          where f.workspace_id = t.workspace_id and f.former_name_hash = t.user_name_hash
          limit 1
        )
      )
      order by u.id
      limit 1
    ) s on true
    where t.workspace_id = $1
    and t.id = $2
    and t.type = $3
    """)
}

extension ResourceKind {
  /// How the attribute that is kept as rows is found.
  fileprivate var row: (owner: String, column: String, table: String, id: String, name: String) {
    switch self {
    case .user:
      (
        "user_id", "group_id", "identity_read.groups g on g.workspace_id = m.workspace_id and g.id = m.group_id", "g.id", "g.display_name"
      )
    case .group:
      (
        "group_id", "user_id", "identity_read.users u on u.workspace_id = m.workspace_id and u.id = m.user_id", "u.id",
        "coalesce(u.display_name, '')"
      )
    }
  }

  /// The first rows of each resource `p`, as two arrays beside it: one more than are held at once, which tells that there are more.
  ///
  /// An aggregate takes rows in the order in which a subquery has them (PostgreSQL's documentation, "Aggregate Functions"); told the order,
  /// it would sort them once more for each array.
  var rowArrays: String {
    """
    left join lateral (
      select array_agg(n.id) as ids, array_agg(n.name) as names
      from (
        select \(row.id) as id, \(row.name) as name
        from identity_read.memberships m
        join \(row.table)
        where m.workspace_id = p.workspace_id
        and m.\(row.owner) = p.id
        order by m.\(row.column)
        limit \(FoundResource.maximumRows + 1)
      ) n
    ) e on true
    """
  }
}
