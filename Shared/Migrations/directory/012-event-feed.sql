-- What reads the event log, and what keeps its partitions.

-- The role of the deployment-wide feed, which reads the events and the directory of all workspaces. It is apart from rollcall_reader, so that
-- no other connection of scim-api can read another workspace's rows.
do $$
begin
  if not exists (select from pg_roles where rolname = 'rollcall_feed') then
    create role rollcall_feed nologin;
  end if;
exception
  -- Another database of the same cluster is being migrated at this moment.
  when duplicate_object or unique_violation then null;
end
$$;

alter table directory.events enable row level security;
alter table directory.event_sequences enable row level security;

do $$
declare
  secured text;
begin
  foreach secured in array array['events', 'event_sequences'] loop
    execute format('create policy directory on directory.%I for all to rollcall_directory using (true) with check (true)', secured);
    execute format('create policy operator on directory.%I for select to rollcall_operator using (true)', secured);
    execute format(
      $policy$
        create policy workspace on directory.%I for select to rollcall_reader
        using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured);
    execute format('grant select on directory.%I to rollcall_reader, rollcall_operator', secured);
  end loop;
  foreach secured in array array['events', 'event_sequences', 'members', 'groups', 'memberships'] loop
    execute format('create policy feed on directory.%I for select to rollcall_feed using (true)', secured);
    execute format('grant select on directory.%I to rollcall_feed', secured);
  end loop;
end
$$;

create view directory_read.events with (security_invoker = true) as
select position, stored_at, workspace_id, sequence, id, type, data from directory.events;

create view directory_read.event_sequences with (security_invoker = true) as
select workspace_id, last_sequence from directory.event_sequences;

-- A view of its owner's: the row belongs to no workspace.
create view directory_read.event_log as
select epoch, last_position from directory.event_log;

-- The end of the log, and the ends of some workspaces' events if there are events after the position `beyond`. One process asks with one
-- query for all requests that wait, whatever their workspaces; numbers are all that it learns.
create function directory_read.event_ends(beyond bigint, workspaces uuid[])
returns table (last_position bigint, workspace_id uuid, last_sequence bigint)
language sql stable security definer
begin atomic
  select l.last_position, s.workspace_id, s.last_sequence
  from directory.event_log l
  left join directory.event_sequences s on l.last_position > beyond and s.workspace_id = any (workspaces);
end;

revoke all on function directory_read.event_ends(bigint, uuid[]) from public;
grant execute on function directory_read.event_ends(bigint, uuid[]) to rollcall_reader;

grant select on directory_read.events, directory_read.event_sequences, directory_read.event_log to rollcall_reader, rollcall_operator;
grant usage on schema directory_read to rollcall_feed;
grant select on
  directory_read.events, directory_read.event_sequences, directory_read.event_log, directory_read.members, directory_read.groups,
  directory_read.memberships, directory_read.group_members
to rollcall_feed;

-- Creates the daily partitions of a table for today and the next `ahead` days (UTC), and drops one partition whose last row is older than
-- `keep`. The name of a partition is that of the table with the day, such as events_20260131.
--
-- Of the owner's, since only the owner of a table may add and drop partitions. A new partition is attached, which does not wait for
-- readers and writers of the table, as `create table … partition of` would. Dropping waits for them, so it gives up after the lock timeout;
-- the caller tries again. One at a time, so that the lock is short. Only one process does it at a time: the others return at once.
--
-- Returns the numbers of created and dropped partitions, and whether there are more to drop.
create function directory.maintain_partitions(of_table name, ahead int, keep interval, out created int, out dropped int, out more boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
  parent oid;
  today constant date := current_date;
  starts_on date;
  child name;
  expired name[];
begin
  created := 0;
  dropped := 0;
  more := false;
  select c.oid
  into parent
  from pg_class c
  where c.relnamespace = 'directory'::regnamespace and c.relname = of_table and c.relkind = 'p';
  if parent is null then
    raise exception 'directory.% is not a partitioned table', of_table;
  end if;
  -- Two keys, as for the locks of workspaces, with another first key.
  if not pg_try_advisory_xact_lock(2, parent::int) then
    return;
  end if;

  for days in 0..ahead loop
    starts_on := today + days;
    child := of_table || to_char(starts_on, '_YYYYMMDD');
    if to_regclass(format('directory.%I', child)) is null then
      execute format('create table directory.%I (like directory.%I including defaults including constraints)', child, of_table);
      execute format(
        'alter table directory.%I attach partition directory.%I for values from (%L) to (%L)', of_table, child,
        starts_on::timestamptz, (starts_on + 1)::timestamptz);
      created := created + 1;
    end if;
  end loop;

  -- Partitions by the day in their names. That day ends a day later.
  select array_agg(c.relname order by c.relname)
  into expired
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = parent
  and c.relname ~ ('^' || of_table || '_\d{8}$')
  and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamptz < now() - keep;
  if expired is not null then
    execute format('drop table directory.%I', expired[1]);
    dropped := 1;
    more := cardinality(expired) > 1;
  end if;
end
$$;

revoke all on function directory.maintain_partitions(name, int, interval) from public;
grant execute on function directory.maintain_partitions(name, int, interval) to rollcall_directory;
