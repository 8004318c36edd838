-- expand
-- The status of a membership in a group is named as in the API and the events.

alter view directory_read.group_members rename column standing to status;

-- Services of the previous version, which run until they are replaced, read the column by its former name. A later migration drops it.
create or replace view directory_read.group_members with (security_invoker = true) as
select
  s.workspace_id, s.group_id, g.display_name, s.member_id, m.email, m.state, coalesce(m.state = 'active', false) as visible,
  m.display_name as member_name, m.role,
  case m.state when 'active' then 'visible' when 'disabled' then 'held' else 'pending' end as status,
  case m.state
    when 'active' then null
    when 'disabled' then 'to be enabled by the identity provider'
    when 'invited' then 'the first sign-in'
    else 'the person''s own data, which has not come yet'
  end as waits_for,
  case m.state when 'active' then 'visible' when 'disabled' then 'held' else 'pending' end as standing
from directory.memberships s
join directory.groups g on g.workspace_id = s.workspace_id and g.id = s.group_id
left join directory.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
where g.display_name is not null
and m.state is distinct from 'deleted';
