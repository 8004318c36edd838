import EdgeHTTP
import Postgres
import SCIM
import SCIMStorage

/// The statements that read single resources. They are composed of a few fixed fragments, so their number is bounded.
enum ResourceStatements {
  /// Reads one resource by its id, or one user by another key.
  ///
  /// Parameters: workspace, key. Columns: id, version, modified_at, document and, `withRows`, ids, names.
  static func one(_ kind: ResourceKind, by key: UserKey = .id, withRows: Bool) -> Statement {
    Statement(
      "scim_api_\(kind.table)_one_by_\(key.rawValue)\(withRows ? "_rows" : "")",
      """
      select p.id, p.version, p.modified_at, p.document\(withRows ? ", e.ids, e.names" : "")
      from identity_read.\(kind.table) p
      \(withRows ? kind.rowArrays : "")
      where p.workspace_id = $1
      and p.\(key.rawValue) = $2
      """)
  }

  /// The key by which users are looked up.
  enum UserKey: String {
    case id
    case userName = "user_name_key"
  }

  /// Reads several users by key.
  ///
  /// Parameters: workspace, keys. Columns: the position of the key, from 1, then those of ``one(_:withRows:)``. Keys without a user have no
  /// row.
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

  /// Reads a page of the rows of one resource, ordered by id.
  ///
  /// Parameters: workspace, id, the last id of the previous page, limit. Columns: id, name.
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

  /// Reads the tombstone of a deleted resource.
  ///
  /// Parameters: workspace, id, type. Columns: deleted_at, and the id and userName of a user that has the name of the deleted one now.
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
  /// The columns and the join that read the attribute that is stored as rows.
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

  /// A join that adds the first rows of each resource `p` as two arrays. One row more than the maximum shows that there are more.
  ///
  /// The subquery determines the order of the aggregates (PostgreSQL documentation, "Aggregate Functions"). An `order by` inside each
  /// aggregate would sort the rows again.
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
