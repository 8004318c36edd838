import EdgeHTTP
import Postgres

/// SQL statements for lists of members. The first parameter is the workspace.
enum MembersStatements {
  static let totals = Statement(
    "console state totals",
    """
    select invited, active, disabled
    from identity_read.state_totals
    where workspace_id = $1
    """)

  static let byName = Statement(
    "console members by name",
    """
    with people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and state = $2
      and (name_key, id) > ($3, $4::uuid)
      order by name_key, id
      limit $5::int8
    )\(details)
    order by p.name_key, p.id
    """)

  static let newest = Statement(
    "console members by age",
    """
    with people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and state = $2
      and id < $3
      order by id desc
      limit $4::int8
    )\(details)
    order by p.id desc
    """)

  /// Scans each index from the prefix, for each state, up to the limit. Names that start with the noncharacter U+10FFFF are not found.
  static let beginningWith = Statement(
    "console members beginning with",
    """
    with found as materialized (
      select distinct f.id
      from unnest($2::text[]) as s (state)
      cross join lateral (
        \(beginning("name_key"))
        union all
        \(beginning("family_name_key"))
        union all
        \(beginning("user_name_key collate \"C\""))
        union all
        \(beginning("email_key collate \"C\"", and: "email_key is distinct from user_name_key"))
      ) f
    ), people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and id = any (array(select id from found))
      order by name_key, id
      limit $4::int8
    )\(details)
    order by p.name_key, p.id
    """)

  static let named = Statement(
    "scim_api members with a name",
    """
    with people as materialized (
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and user_name_key = $2
      union
      select \(columns)
      from identity_read.users
      where workspace_id = $1
      and email_key = $2
      and email_key is distinct from user_name_key
      limit $3::int8
    )\(details)
    order by p.name_key, p.id
    """)

  private static func beginning(_ key: String, and condition: String? = nil) -> String {
    """
    (
      select id
      from identity_read.users
      where workspace_id = $1
      and state = s.state
      and \(key) >= $3::text
      and \(key) < $3::text || U&'\\+10FFFF'\(condition.map { "\nand \($0)" } ?? "")
      order by \(key)
      limit $4::int8
    )
    """
  }

  private static let columns = """
    id, user_name, display_name, given_name, family_name, email, state, role, name_key, first_signed_in_at, user_name_key, email_key
    """

  /// Joins the details of `people`. The keys of the sign-ins are computed first, because row security prevents an index lookup by a
  /// function call.
  private static let details = """
    , keys as materialized (
      select p.id, k.key
      from people p
      cross join lateral (
        values
          (mailer_read.sign_in_key($1, p.id::text)), (mailer_read.sign_in_key($1, p.user_name_key)),
          (mailer_read.sign_in_key($1, p.email_key)),
          -- Sign-ins stored before comparison keys were introduced.
          (mailer_read.sign_in_key($1, nullif(identity_read.fold(p.user_name), p.user_name_key))),
          (mailer_read.sign_in_key($1, nullif(identity_read.fold(p.email), p.email_key)))
      ) k (key)
      where k.key is not null
    ), seen as materialized (
      select k.id, max(s.signed_in_at) as at
      from keys k
      -- The limit keeps the planner from joining all sign-ins of the workspace.
      cross join lateral (
        select signed_in_at
        from mailer_read.sign_ins
        where workspace_id = $1
        and key = k.key
        limit 1
      ) s
      group by k.id
    )
    select
      p.id, p.user_name, p.display_name, p.given_name, p.family_name, p.email, p.state, p.role, p.name_key,
      coalesce(
        (
          select array_agg(g.display_name order by m.group_id)
          from (
            select group_id
            from identity_read.memberships
            where workspace_id = $1
            and user_id = p.id
            order by group_id
            limit 3
          ) m
          join identity_read.groups g on g.workspace_id = $1 and g.id = m.group_id
        ), '{}'),
      (
        select count(*)
        from (select from identity_read.memberships where workspace_id = $1 and user_id = p.id limit \(MemberSummary.maximumGroups)) counted
      ),
      p.first_signed_in_at, seen.at, \(StoredInvitation.columns)
    from people p
    left join seen on seen.id = p.id
    left join lateral (
      select *
      from mailer_read.invitations
      where workspace_id = $1
      and user_id = p.id
      order by created_at desc
      limit 1
    ) i on true
    """
}
