-- expand
-- Locks the workspaces of a batch and loads what it touches, as one command: the queries of a volatile function see what was committed before
-- each of them began, so they see all changes of the transactions that held the locks before.
--
-- Returns memberships (`group_id` and `member_id`), members (`member_id` and their attributes), and groups (`group_id` and their attributes).
create function directory.lock_and_load(
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
  complete boolean, restated_through uuid
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
  select workspace_id, group_id, member_id, null::bigint, null, null, null, null, null::bigint, null::boolean, null::uuid
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
  select m.workspace_id, null, m.id, m.version, m.state, m.email, m.display_name, m.role, null, null, null
  from (
    select * from unnest(member_workspaces || named_workspaces, members || named_members)
    union
    select workspace_id, member_id from in_range
  ) as touched (workspace_id, id)
  cross join lateral (
    select * from directory.members m where m.workspace_id = touched.workspace_id and m.id = touched.id offset 0
  ) m
  union all
  select g.workspace_id, g.id, null, g.version, null, null, g.display_name, null, g.part, g.complete, g.restated_through
  from (
    select * from unnest(group_workspaces, groups)
    union
    select workspace_id, group_id from own
  ) as touched (workspace_id, id)
  cross join lateral (
    select * from directory.groups g where g.workspace_id = touched.workspace_id and g.id = touched.id offset 0
  ) g;
end
$$;

revoke execute on function directory.lock_and_load(
  uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[]) from public;
grant execute on function directory.lock_and_load(
  uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[]) to rollcall_directory;
