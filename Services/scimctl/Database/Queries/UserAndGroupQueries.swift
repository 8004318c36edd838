import Postgres

/// Statements that read users and the product's groups.
enum UserAndGroupQueries {
  /// Users of workspace `$1` by user name; `$2` is a state or null, `$3` the limit.
  static let users = Statement(
    "users",
    """
    select user_name, state, role, email, id, display_name
    from identity_read.users
    where workspace_id = $1
    and ($2::text is null or state = $2)
    order by user_name_key
    limit $3::int8
    """)

  /// Groups of workspace `$1` with the number of visible, pending and held members.
  static let groups = Statement(
    "groups",
    """
    select
      g.display_name, g.id, count(m.member_id) filter (where m.status = 'visible'),
      count(m.member_id) filter (where m.status = 'pending'), count(m.member_id) filter (where m.status = 'held')
    from directory_read.groups g
    left join directory_read.group_members m on m.workspace_id = g.workspace_id and m.group_id = g.id
    where g.workspace_id = $1
    group by g.display_name, g.id
    order by lower(g.display_name), g.id
    """)

  /// Members of the groups of workspace `$1` with name key `$2` or id `$4`; `$3` is a membership status or null.
  ///
  /// Several groups may have one name. A group without members is one row of nulls.
  static let groupMembers = Statement(
    "group members",
    """
    select m.email, m.status, m.waits_for, g.id, m.member_id
    from identity_read.groups p
    join directory_read.groups g on g.workspace_id = p.workspace_id and g.id = p.id
    left join directory_read.group_members m
      on m.workspace_id = g.workspace_id and m.group_id = g.id and ($3::text is null or m.status = $3)
    where p.workspace_id = $1
    and (p.display_name_key = $2 or p.id = $4::uuid)
    order by coalesce(m.email, m.member_id::text)
    """)

  /// Groups of workspace `$1` in identity-store with name key `$2` or id `$3`.
  static let pushedGroup = Statement(
    "pushed group",
    """
    select id
    from identity_read.groups
    where workspace_id = $1
    and (display_name_key = $2 or id = $3::uuid)
    """)
}
