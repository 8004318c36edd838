import Postgres

/// Statements that compare identity-store's data with group-sync's directory.
///
/// Parameters: workspace, ids to compare (null: all), largest number of differences.
enum DirectoryComparisonQueries {
  /// The id, whether only the directory or only the store has the user, and each attribute in the store and in the directory.
  static let users = Statement(
    "compare users",
    """
    select
      coalesce(u.id, m.id), u.id is null, m.id is null, u.state, m.state, u.email, m.email, u.display_name, m.display_name, u.role, m.role,
      u.version::text, m.version::text, case when u.id is not null then 'complete' end,
      case when m.document is not null then 'complete' when m.id is not null then 'incomplete' end
    from (
      select * from identity_read.users where workspace_id = $1 and ($2::uuid[] is null or id = any ($2::uuid[]))
    ) u
    full join (
      select * from directory_read.members where workspace_id = $1 and ($2::uuid[] is null or id = any ($2::uuid[]))
    ) m on m.id = u.id
    where (u.id, u.state, u.email, u.display_name, u.role, u.version, true)
      is distinct from (m.id, m.state, m.email, m.display_name, m.role, m.version, m.document is not null)
    order by 1
    limit $3::int8
    """)

  /// The id, whether only the directory or only the store has the group, and each attribute in the store and in the directory.
  static let groups = Statement(
    "compare groups",
    """
    select
      coalesce(g.id, d.id), g.id is null, d.id is null, g.display_name, d.display_name, g.version::text, d.version::text,
      case when g.id is not null then 'whole' end, case when d.complete then 'whole' when d.id is not null then 'in parts' end
    from (
      select * from identity_read.groups where workspace_id = $1 and ($2::uuid[] is null or id = any ($2::uuid[]))
    ) g
    full join (
      select * from directory_read.groups where workspace_id = $1 and ($2::uuid[] is null or id = any ($2::uuid[]))
    ) d on d.id = g.id
    where (g.id, g.display_name, g.version, true) is distinct from (d.id, d.display_name, d.version, d.complete)
    order by 1
    limit $3::int8
    """)

  /// Group, user, and whether only the directory has the membership. The ids to compare are those of groups.
  static let memberships = Statement(
    "compare memberships",
    """
    select coalesce(s.group_id, d.group_id), coalesce(s.user_id, d.member_id), s.user_id is null
    from (
      select m.group_id, m.user_id
      from identity_read.memberships m
      join identity_read.users u on u.workspace_id = m.workspace_id and u.id = m.user_id
      join identity_read.groups g on g.workspace_id = m.workspace_id and g.id = m.group_id
      where m.workspace_id = $1
      and ($2::uuid[] is null or m.group_id = any ($2::uuid[]))
    ) s
    full join (
      select group_id, member_id
      from directory_read.memberships
      where workspace_id = $1
      and ($2::uuid[] is null or group_id = any ($2::uuid[]))
    ) d on d.group_id = s.group_id and d.member_id = s.user_id
    where s.user_id is null
    or d.member_id is null
    order by 1, 2
    limit $3::int8
    """)
}
