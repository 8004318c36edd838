-- expand
-- The complete state of each member, which events carry, and the log of all directory events.

-- The member as JSON, as in an event. Null for a deleted member, and until group-sync has received all attributes: a row of an earlier version
-- gets them with the next change of the user, or from `scimctl rebuild`.
alter table directory.members add column document text;

-- A process of the previous version does not write the document, which is then out of date. A later migration drops the trigger.
create function directory.discard_document() returns trigger
language plpgsql
as $$
begin
  new.document := null;
  return new;
end
$$;

create trigger members_document before update on directory.members
for each row
when (
  new.document is not null
  and (
    new.state = 'deleted'
    or (
      new.document = old.document
      and (new.version, new.state, new.email, new.display_name, new.role)
        is distinct from (old.version, old.state, old.email, old.display_name, old.role)
    )
  )
)
execute function directory.discard_document();

create or replace view directory_read.members with (security_invoker = true) as
select workspace_id, id, state, email, display_name, role, version, document
from directory.members
where state <> 'deleted';

-- One row. The epoch differs in a new database, so that a cursor of a lost one is recognised. The lock of the row, which each transaction holds from
-- its last statement to its end, orders the commits of all processes: a reader never sees a position before a smaller one.
create table directory.event_log (
  one boolean not null primary key default true check (one),
  epoch uuid not null default gen_random_uuid(),
  last_position bigint not null default 0
) with (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

insert into directory.event_log default values;

-- The sequence of the last event of each workspace. A transaction that holds the workspace's lock (see lock_and_load_documents) reads it when it
-- loads, and writes it with its events.
create table directory.event_sequences (
  workspace_id uuid not null primary key,
  last_sequence bigint not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The log. `stored_at` never decreases from one position to the next, unless the clock of the server is set back.
create table directory.events (
  position bigint not null,
  stored_at timestamptz not null default now(),
  workspace_id uuid not null,
  sequence bigint not null,
  -- The id and the kind of the event: `member.invited`.
  id text not null,
  type text not null,
  -- The event as JSON, as on `directory.events`.
  data text not null
) partition by range (stored_at);

create index events_by_position on directory.events (position);
comment on index directory.events_by_position is 'Feed of the whole deployment: events after a position.';

create index events_by_sequence on directory.events (workspace_id, sequence);
comment on index directory.events_by_sequence is 'Feed and webhooks of one workspace: events after a sequence number.';

-- Holds the events of a day whose partition does not exist, because maintenance has not run. An event is never refused.
create table directory.events_default partition of directory.events default;

-- Creates the partition of each of `days` days (UTC) from `first` on that does not exist yet: directory.events_20260131. A day with events in the
-- default partition stays there.
create function directory.add_event_partitions(first date, days int) returns int
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  day date;
  name text;
  starts timestamptz;
  ends timestamptz;
  added int := 0;
begin
  for day in select first + n from generate_series(0, days - 1) as n loop
    name := 'events_' || to_char(day, 'YYYYMMDD');
    starts := day::timestamp at time zone 'UTC';
    ends := (day + 1)::timestamp at time zone 'UTC';
    continue when to_regclass('directory.' || name) is not null;
    continue when exists (select from directory.events_default where stored_at >= starts and stored_at < ends);
    -- Attached, since the other way locks the whole table for readers and writers.
    execute format('create table directory.%I (like directory.events including defaults)', name);
    execute format('alter table directory.events attach partition directory.%I for values from (%L) to (%L)', name, starts, ends);
    added := added + 1;
  end loop;
  return added;
end
$$;

revoke execute on function directory.add_event_partitions(date, int) from public;
grant execute on function directory.add_event_partitions(date, int) to rollcall_directory;

select directory.add_event_partitions((now() at time zone 'UTC')::date, 3);

-- As directory/003.
alter table directory.events enable row level security;
create policy directory on directory.events for all to rollcall_directory using (true) with check (true);
create policy operator on directory.events for select to rollcall_operator using (true);
create policy workspace on directory.events for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));

grant select, insert on directory.events to rollcall_directory;
grant select on directory.events to rollcall_reader, rollcall_operator;
grant select, insert, update on directory.event_log, directory.event_sequences to rollcall_directory;

-- As lock_and_load of directory/010, which the previous version calls and a later migration drops. In addition, it returns the documents of users
-- with events, and the last sequence of each workspace that has one: as `version`, without group and member.
create function directory.lock_and_load_documents(
  -- The workspaces to lock.
  locked uuid[],
  -- Users with events, who are loaded with all their memberships and the groups of these.
  member_workspaces uuid[], members uuid[],
  -- Member ranges of groups, which are loaded with their users.
  range_workspaces uuid[], range_groups uuid[], range_after uuid[], range_through uuid[],
  -- Memberships that events name, which are loaded with their users.
  named_workspaces uuid[], named_groups uuid[], named_members uuid[],
  -- Groups with events.
  group_workspaces uuid[], groups uuid[]
)
returns table (
  workspace_id uuid, group_id uuid, member_id uuid, version bigint, state text, email text, display_name text, role text, part bigint,
  complete boolean, restated_through uuid, document text
)
language plpgsql
as $$
#variable_conflict use_column
begin
  -- The two-key form shares no keys with the locks of the relay and the migrations. Sorted, so that all replicas acquire the locks in the same
  -- order. Two workspaces may share a lock, which only costs waiting time.
  perform pg_advisory_xact_lock(1, lock)
  from (select distinct uuid_hash(id) as lock from unnest(locked) as id order by lock) as locks;

  return query
  with
    -- `offset 0` makes the planner look up each row by its key, also on tables that were never analysed.
    own as materialized (
      select touched.workspace_id, s.group_id, touched.member_id
      from unnest(member_workspaces, members) as touched (workspace_id, member_id)
      cross join lateral (
        select group_id
        from directory.memberships
        where workspace_id = touched.workspace_id and member_id = touched.member_id
        offset 0
      ) s
    ),
    -- Explicit bounds instead of nulls, so that the scan of the primary key is limited at both ends.
    in_range as materialized (
      select range.workspace_id, range.group_id, s.member_id
      from unnest(range_workspaces, range_groups, range_after, range_through) as range (workspace_id, group_id, after, through)
      cross join lateral (
        select member_id
        from directory.memberships
        where workspace_id = range.workspace_id
        and group_id = range.group_id
        and member_id >= coalesce(range.after, '00000000-0000-0000-0000-000000000000')
        and member_id <= coalesce(range.through, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
        and member_id is distinct from range.after
        offset 0
      ) s
    )
  select
    workspace_id, group_id, member_id, null::bigint, null, null, null, null, null::bigint, null::boolean, null::uuid, null
  from (
    table own
    union
    table in_range
    union
    select workspace_id, group_id, member_id
    from unnest(named_workspaces, named_groups, named_members) as named (workspace_id, group_id, member_id)
    join directory.memberships using (workspace_id, group_id, member_id)
  ) as found
  union all
  select
    m.workspace_id, null, m.id, m.version, m.state, m.email, m.display_name, m.role, null, null, null,
    case when touched.has_events then m.document end
  from (
    select workspace_id, id, bool_or(has_events) as has_events
    from (
      select workspace_id, id, true as has_events from unnest(member_workspaces, members) as changed (workspace_id, id)
      union all
      select workspace_id, id, false from unnest(named_workspaces, named_members) as named (workspace_id, id)
      union all
      select workspace_id, member_id, false from in_range
    ) as mentioned
    group by workspace_id, id
  ) as touched
  cross join lateral (
    select * from directory.members m where m.workspace_id = touched.workspace_id and m.id = touched.id offset 0
  ) m
  union all
  select g.workspace_id, g.id, null, g.version, null, null, g.display_name, null, g.part, g.complete, g.restated_through, null
  from (
    select * from unnest(group_workspaces, groups)
    union
    select workspace_id, group_id from own
  ) as touched (workspace_id, id)
  cross join lateral (
    select * from directory.groups g where g.workspace_id = touched.workspace_id and g.id = touched.id offset 0
  ) g
  union all
  select s.workspace_id, null, null, s.last_sequence, null, null, null, null, null, null, null, null
  from unnest(locked) as touched (workspace_id)
  cross join lateral (
    select * from directory.event_sequences s where s.workspace_id = touched.workspace_id offset 0
  ) s;
end
$$;

revoke execute on function directory.lock_and_load_documents(
  uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[]) from public;
grant execute on function directory.lock_and_load_documents(
  uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[]) to rollcall_directory;
