-- expand
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

-- As directory/003.
alter table directory.event_sequences enable row level security;
create policy directory on directory.event_sequences for all to rollcall_directory using (true) with check (true);
create policy operator on directory.event_sequences for select to rollcall_operator using (true);
create policy workspace on directory.event_sequences for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select on directory.event_sequences to rollcall_reader, rollcall_operator;

do $$
declare
  read text;
begin
  foreach read in array array['events', 'event_sequences', 'members', 'groups', 'memberships'] loop
    execute format('create policy feed on directory.%I for select to rollcall_feed using (true)', read);
    execute format('grant select on directory.%I to rollcall_feed', read);
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

-- The document of each member, for the snapshot. Null for a row of an earlier version that was not updated since.
create or replace view directory_read.members with (security_invoker = true) as
select workspace_id, id, state, email, display_name, role, version, document
from directory.members
where state <> 'deleted';

-- Creates the partitions of today and of the next `ahead` days (UTC), and deletes the events that were stored more than `keep` ago, in whole
-- days: it drops one partition, and deletes the events of the default partition. Of the owner's, since only the owner of a table may drop its
-- partitions.
--
-- Dropping waits for readers and writers of the whole log, and those that come later wait for it. So it drops one partition at a time, and gives
-- up after the lock timeout; the caller tries again. Only one process does it at a time; the others return at once.
--
-- Returns the numbers of created and dropped partitions, and whether there are more to drop.
create function directory.maintain_events(ahead int, keep interval, out created int, out dropped int, out more boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '2s'
as $$
declare
  -- The first day that is kept.
  first_kept constant date := (now() - keep)::date;
  expired text[];
begin
  created := 0;
  dropped := 0;
  more := false;
  if not pg_try_advisory_xact_lock(x'726f6c6c0012'::bigint) then
    return;
  end if;
  created := directory.add_event_partitions(current_date, ahead + 1);
  delete from directory.events_default where stored_at < first_kept;
  select array_agg(c.relname::text order by c.relname)
  into expired
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  where i.inhparent = 'directory.events'::regclass
  and c.relname ~ '^events_\d{8}$'
  and to_date(right(c.relname::text, 8), 'YYYYMMDD') < first_kept;
  if expired is not null then
    execute format('drop table directory.%I', expired[1]);
    dropped := 1;
    more := cardinality(expired) > 1;
  end if;
end
$$;

revoke all on function directory.maintain_events(int, interval) from public;
grant execute on function directory.maintain_events(int, interval) to rollcall_directory;
