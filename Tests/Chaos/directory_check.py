"""Compares the directory and the members that the product shows with the store, row by row."""

from check import Check

USERS = """
select coalesce(u.id, m.id) as id, u.state, u.version, m.state as directory_state, m.version as directory_version
from identity.users u
full join (select * from directory.members where state <> 'deleted') m on m.workspace_id = u.workspace_id and m.id = u.id
where (u.state, u.email, u.display_name, u.role, u.version) is distinct from (m.state, m.email, m.display_name, m.role, m.version)
"""

GROUPS = """
select
  coalesce(g.id, d.id) as id, g.display_name, g.version, d.display_name as directory_name, d.version as directory_version, d.complete
from identity.groups g
full join (select * from directory.groups where display_name is not null) d on d.workspace_id = g.workspace_id and d.id = g.id
where (g.display_name, g.version, true) is distinct from (d.display_name, d.version, d.complete)
"""

MEMBERSHIPS = """
select coalesce(s.group_id, d.group_id) as "group", coalesce(s.user_id, d.member_id) as user, s.user_id is not null as is_stored
from identity.memberships s
full join directory.memberships d on d.workspace_id = s.workspace_id and d.group_id = s.group_id and d.member_id = s.user_id
where s.user_id is null or d.member_id is null
"""

# The product shows the active members of a group.
VISIBLE_MEMBERS = """
(
  select 'not visible' as problem, g.display_name, u.email
  from identity.memberships s
  join identity.groups g on g.workspace_id = s.workspace_id and g.id = s.group_id
  join identity.users u on u.workspace_id = s.workspace_id and u.id = s.user_id
  where u.state = 'active'
  except
  select 'not visible', display_name, email from directory_read.group_members where visible
)
union all
(
  select 'visible' as problem, display_name, email from directory_read.group_members where visible
  except
  select 'visible', g.display_name, u.email
  from identity.memberships s
  join identity.groups g on g.workspace_id = s.workspace_id and g.id = s.group_id
  join identity.users u on u.workspace_id = s.workspace_id and u.id = s.user_id
  where u.state = 'active'
)
"""

SIZES = """
select
  (select count(*) from identity.users) as users,
  (select count(*) from identity.groups) as groups,
  (select count(*) from identity.memberships) as memberships,
  (select count(*) from directory_read.group_members where visible) as visible
"""


def check(database):
    sizes = database.rows(SIZES)[0]
    return [
        Check(f"{name} that differ between directory and store", [str(row) for row in database.rows(query)], f"of {sizes[size]:,}")
        for name, query, size in [
            ("users", USERS, "users"),
            ("groups", GROUPS, "groups"),
            ("memberships", MEMBERSHIPS, "memberships"),
            ("visible members", VISIBLE_MEMBERS, "visible"),
        ]
    ]
