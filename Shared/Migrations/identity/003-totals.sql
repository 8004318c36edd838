-- expand
-- How many users and groups each workspace has, kept with every change of it: a list says so with each page, and counting a million
-- rows for a hundred of them takes longer than reading them.

-- Several rows to a number, which is their sum, so that transactions that run at the same time seldom wait for each other's.
create table identity.totals (
  workspace_id uuid not null,
  type text not null check (type in ('User', 'Group')),
  part int not null,
  total bigint not null,
  primary key (workspace_id, type, part)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

insert into identity.totals (workspace_id, type, part, total)
select workspace_id, 'User', 0, count(*) from identity.users group by workspace_id
union all
select workspace_id, 'Group', 0, count(*) from identity.groups group by workspace_id;

create function identity.count_resources() returns trigger
language plpgsql as $$
begin
  insert into identity.totals as t (workspace_id, type, part, total)
  select workspace_id, tg_argv[0], pg_backend_pid() % 32, case tg_op when 'INSERT' then count(*) else -count(*) end
  from changed
  group by workspace_id
  order by workspace_id
  on conflict (workspace_id, type, part) do update
  set total = t.total + excluded.total;
  return null;
end
$$;

create trigger users_come after insert on identity.users
referencing new table as changed
for each statement execute function identity.count_resources('User');

create trigger users_go after delete on identity.users
referencing old table as changed
for each statement execute function identity.count_resources('User');

create trigger groups_come after insert on identity.groups
referencing new table as changed
for each statement execute function identity.count_resources('Group');

create trigger groups_go after delete on identity.groups
referencing old table as changed
for each statement execute function identity.count_resources('Group');

create view identity_read.totals as
select workspace_id, type, sum(total)::bigint as total
from identity.totals
group by workspace_id, type;

grant select, insert, update on identity.totals to rollcall_store;
grant select on identity_read.totals to rollcall_reader;
