-- expand
-- How many of each group's members are visible, pending and held, kept with every change of a membership or of a person's state: a list of
-- groups says so of each, and counting one group of 100,000 takes longer than reading the list.

create table directory.group_counts (
  workspace_id uuid not null,
  group_id uuid not null,
  visible bigint not null,
  pending bigint not null,
  held bigint not null,
  primary key (workspace_id, group_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- As directory_read.group_members has it: whoever is deleted stands nowhere.
insert into directory.group_counts (workspace_id, group_id, visible, pending, held)
select
  s.workspace_id, s.group_id,
  count(*) filter (where m.state = 'active'), count(*) filter (where coalesce(m.state, 'invited') = 'invited'),
  count(*) filter (where m.state = 'disabled')
from directory.memberships s
left join directory.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
group by s.workspace_id, s.group_id;

-- Memberships that come or go count where the person stands at that moment. `offset 0` and the setting keep the planner to looking each
-- person up by key, also with a plan that was made while the tables were empty.
create function directory.count_memberships() returns trigger
language plpgsql
set enable_seqscan = off
as $$
declare
  step constant int := case tg_op when 'INSERT' then 1 else -1 end;
begin
  insert into directory.group_counts as c (workspace_id, group_id, visible, pending, held)
  select
    s.workspace_id, s.group_id,
    step * count(*) filter (where m.state = 'active'), step * count(*) filter (where coalesce(m.state, 'invited') = 'invited'),
    step * count(*) filter (where m.state = 'disabled')
  from changed s
  left join lateral (
    select state from directory.members where workspace_id = s.workspace_id and id = s.member_id offset 0
  ) m on true
  group by s.workspace_id, s.group_id
  order by s.workspace_id, s.group_id
  on conflict (workspace_id, group_id) do update
  set visible = c.visible + excluded.visible, pending = c.pending + excluded.pending, held = c.held + excluded.held;
  return null;
end
$$;

create trigger memberships_come after insert on directory.memberships
referencing new table as changed
for each statement execute function directory.count_memberships();

create trigger memberships_go after delete on directory.memberships
referencing old table as changed
for each statement execute function directory.count_memberships();

-- A person whose state changes is counted elsewhere in each of their groups. Nothing is looked at where no state changed.
create function directory.count_members() returns trigger
language plpgsql
set enable_seqscan = off
as $$
declare
  workspaces uuid[];
  people uuid[];
  -- Null is a person whose data has not come yet, who is pending as the invited are.
  states_before text[];
  states_after text[];
begin
  case tg_op
    when 'INSERT' then
      select array_agg(workspace_id), array_agg(id), array_agg(null::text), array_agg(state)
      into workspaces, people, states_before, states_after
      from after
      where state <> 'invited';
    when 'UPDATE' then
      select array_agg(a.workspace_id), array_agg(a.id), array_agg(b.state), array_agg(a.state)
      into workspaces, people, states_before, states_after
      from after a
      join before b on b.workspace_id = a.workspace_id and b.id = a.id
      where a.state <> b.state;
    else
      select array_agg(workspace_id), array_agg(id), array_agg(state), array_agg(null::text)
      into workspaces, people, states_before, states_after
      from before
      where state <> 'invited';
  end case;
  if people is null then
    return null;
  end if;
  insert into directory.group_counts as c (workspace_id, group_id, visible, pending, held)
  select
    p.workspace_id, s.group_id,
    count(*) filter (where p.present = 'active') - count(*) filter (where p.former = 'active'),
    count(*) filter (where coalesce(p.present, 'invited') = 'invited') - count(*) filter (where coalesce(p.former, 'invited') = 'invited'),
    count(*) filter (where p.present = 'disabled') - count(*) filter (where p.former = 'disabled')
  from unnest(workspaces, people, states_before, states_after) as p (workspace_id, id, former, present)
  cross join lateral (
    select group_id from directory.memberships where workspace_id = p.workspace_id and member_id = p.id offset 0
  ) s
  group by p.workspace_id, s.group_id
  order by p.workspace_id, s.group_id
  on conflict (workspace_id, group_id) do update
  set visible = c.visible + excluded.visible, pending = c.pending + excluded.pending, held = c.held + excluded.held;
  return null;
end
$$;

create trigger members_come after insert on directory.members
referencing new table as after
for each statement execute function directory.count_members();

create trigger members_change after update on directory.members
referencing old table as before new table as after
for each statement execute function directory.count_members();

create trigger members_go after delete on directory.members
referencing old table as before
for each statement execute function directory.count_members();

create view directory_read.group_counts with (security_invoker = true) as
select workspace_id, group_id, visible, pending, held from directory.group_counts;

-- The first of a group's members who are in one state, from behind an id on; for a state that few of many are in. Both lists are read in the
-- order of ids and merged, which takes the least where neither helps to find the other; the settings keep the planner to that. The rights
-- and policies of who asks hold.
create function directory_read.members_in_state(workspace uuid, of_group uuid, wanted text, behind uuid, most bigint) returns setof uuid
language sql stable parallel safe rows 50
set enable_mergejoin = on
set enable_nestloop = off
set enable_hashjoin = off
set enable_seqscan = off
set enable_sort = off
as $$
  select s.member_id
  from directory_read.memberships s
  join directory_read.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
  where s.workspace_id = workspace
  and s.group_id = of_group
  and s.member_id > behind
  and m.workspace_id = workspace
  and m.state = wanted
  and m.id > behind
  order by s.member_id
  limit most
$$;

revoke execute on function directory_read.members_in_state(uuid, uuid, text, uuid, bigint) from public;
grant execute on function directory_read.members_in_state(uuid, uuid, text, uuid, bigint) to rollcall_reader, rollcall_operator;

grant select, insert, update on directory.group_counts to rollcall_directory;

alter table directory.group_counts enable row level security;
create policy directory on directory.group_counts for all to rollcall_directory using (true) with check (true);
create policy operator on directory.group_counts for select to rollcall_operator using (true);
create policy workspace on directory.group_counts for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select on directory.group_counts to rollcall_reader, rollcall_operator;
grant select on directory_read.group_counts to rollcall_reader, rollcall_operator;
