-- expand
-- Deletion of workspaces. The settings of a workspace say when it is due; until then it is suspended and can be restored. The functions of the owner
-- delete the rows of all schemas in pages, and leave a receipt. The row of the workspace remains without settings, so that late messages find a
-- workspace that accepts nothing.

create index workspaces_in_deletion on identity.workspaces (id) where settings ? 'deletion';
comment on index identity.workspaces_in_deletion is 'identity-store: the next workspace to delete';

-- Receipts, without personal data.
create table identity.workspace_deletions (
  workspace_id uuid not null primary key,
  slug text not null,
  requested_by text not null,
  requested_at timestamptz not null,
  due_at timestamptz not null,
  begun_at timestamptz not null,
  finished_at timestamptz,
  -- Rows that arrived later, from messages that were still on topics, are deleted daily.
  swept_at timestamptz,
  -- The numbers of deleted rows, by table.
  deleted jsonb not null default '{}'
);
comment on index identity.workspace_deletions_pkey is 'identity-store: the deletion of a workspace; management API: the list of deletions';

-- As in 008. scim-api reads receipts only through the function below.
alter table identity.workspace_deletions enable row level security;
create policy store on identity.workspace_deletions for all to rollcall_store using (true) with check (true);
create policy operator on identity.workspace_deletions for select to rollcall_operator using (true);
grant select on identity.workspace_deletions to rollcall_store, rollcall_operator;

-- The receipts after one, newest first. The edge calls it only for a caller with a deployment-wide token.
create function identity_read.workspace_deletions(before_time timestamptz, before_id uuid, page bigint)
returns table (
  workspace_id uuid, slug text, requested_by text, requested_at timestamptz, due_at timestamptz, finished_at timestamptz, deleted text)
language sql stable security definer parallel safe set search_path = pg_catalog
begin atomic
  select d.workspace_id, d.slug, d.requested_by, d.requested_at, d.due_at, d.finished_at, d.deleted::text
  from identity.workspace_deletions d
  where (d.requested_at, d.workspace_id) < (before_time, before_id)
  order by d.requested_at desc, d.workspace_id desc
  limit least(page, 1000);
end;
revoke all on function identity_read.workspace_deletions(timestamptz, uuid, bigint) from public;
grant execute on function identity_read.workspace_deletions(timestamptz, uuid, bigint) to rollcall_reader;

-- A deleted workspace is not found any more.
create or replace view identity_read.workspaces with (security_invoker = true) as
select id, slug, settings, version, created_at, modified_at
from identity.workspaces
where not coalesce(settings -> 'deletion' ? 'finishedAt', false);

create or replace function identity_read.workspaces_by_slug(after text, page bigint)
returns table (id uuid, slug text, name text, plan text, created_at timestamptz)
language sql stable security definer parallel safe
begin atomic
  select w.id, w.slug, w.settings ->> 'name', w.settings ->> 'plan', w.created_at
  from identity.workspaces w
  where w.slug > workspaces_by_slug.after
  and not coalesce(w.settings -> 'deletion' ? 'finishedAt', false)
  order by w.slug
  limit least(workspaces_by_slug.page, 1000);
end;

create or replace function identity.refuse_audit_change() returns trigger
language plpgsql as $$
begin
  -- identity.erase_person and identity.delete_workspace_page set this. Nobody but the owner of the table has the right to update it, or to delete from it.
  if tg_op <> 'TRUNCATE' and current_setting('rollcall.erasing', true) = 'on' then
    return null;
  end if;
  raise exception 'the audit trail is never changed: % refused', lower(tg_op) using errcode = 'insufficient_privilege';
end
$$;

-- The next workspace to delete: one whose time has come and whose deletion was requested at least `age` ago, or a deleted one whose last sweep was
-- a day ago. Messages are kept on topics for at most 30 days.
create function identity.next_workspace_deletion(age interval) returns uuid
language sql stable security definer set search_path = pg_catalog as $$
  select id
  from (
    (
      select w.id
      from identity.workspaces w
      where w.settings ? 'deletion'
      and not (w.settings -> 'deletion' ? 'finishedAt')
      and (w.settings -> 'deletion' ->> 'dueAt')::timestamptz <= now()
      and (w.settings -> 'deletion' ->> 'requestedAt')::timestamptz <= now() - age
      order by w.settings -> 'deletion' ->> 'dueAt'
      limit 1
    )
    union all
    (
      select d.workspace_id
      from identity.workspace_deletions d
      where d.finished_at > now() - interval '31 days'
      and coalesce(d.swept_at, d.finished_at) < now() - interval '1 day'
      order by coalesce(d.swept_at, d.finished_at)
      limit 1
    )
  ) due
  limit 1;
$$;
revoke all on function identity.next_workspace_deletion(interval) from public;
grant execute on function identity.next_workspace_deletion(interval) to rollcall_store;

-- Deletes up to `page` rows of each table that has rows of a workspace, and returns how many were deleted; null if another process is at it, or the
-- workspace is not to be deleted. When nothing is left, it completes the receipt and returns 0.
create function identity.delete_workspace_page(the_workspace uuid, page bigint) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  -- Counts that triggers maintain. They are deleted when what they count is.
  derived text[] := array[
    'identity.totals', 'identity.state_totals', 'identity.modifications', 'identity.outdated_keys', 'identity.departures', 'directory.group_counts',
    'directory.event_sequences'];
  kept text;
  target record;
  rows bigint;
  total bigint := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('delete workspace ' || the_workspace, 0)) then
    return null;
  end if;
  -- The lock keeps a restoration waiting; it finds the workspace in deletion afterwards.
  perform from identity.workspaces w
  where w.id = the_workspace and (w.settings -> 'deletion' ->> 'dueAt')::timestamptz <= now()
  for update;
  if not found then
    return null;
  end if;
  insert into identity.workspace_deletions (workspace_id, slug, requested_by, requested_at, due_at, begun_at)
  select
    w.id, w.slug, w.settings -> 'deletion' ->> 'requestedBy', (w.settings -> 'deletion' ->> 'requestedAt')::timestamptz,
    (w.settings -> 'deletion' ->> 'dueAt')::timestamptz, now()
  from identity.workspaces w
  where w.id = the_workspace
  and (w.settings -> 'deletion' ->> 'dueAt')::timestamptz <= now()
  on conflict do nothing;

  -- As in identity.erase_person.
  perform set_config('rollcall.erasing', 'on', true);
  for round in 1..2 loop
    exit when round = 2 and total > 0;
    for target in
      select n.nspname, c.relname, a.attname
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname in ('workspace_id', 'owner_id', 'only_workspace_id') and not a.attisdropped
      where n.nspname in ('identity', 'mailer', 'directory')
      and c.relkind in ('r', 'p')
      and not c.relispartition
      and c.oid <> 'identity.workspace_deletions'::regclass
      -- There, workspace_id is the position of a rebuild of all workspaces.
      and not (c.oid = 'identity.rebuilds'::regclass and a.attname = 'workspace_id')
      and (n.nspname || '.' || c.relname = any (derived)) = (round = 2)
      order by 1, 2, 3
    loop
      -- The audit trail keeps the deletion itself.
      kept := case when target.relname = 'audit' then 'and action not in (''delete-workspace'', ''restore-workspace'')' else '' end;
      execute format(
        'with page as (select tableoid, ctid from %1$I.%2$I where %3$I = $1 %4$s limit $2)
        delete from %1$I.%2$I d using page p where d.tableoid = p.tableoid and d.ctid = p.ctid',
        target.nspname, target.relname, target.attname, kept)
      using the_workspace, page;
      get diagnostics rows = row_count;
      if rows > 0 then
        total := total + rows;
        update identity.workspace_deletions d
        set deleted = jsonb_set(
          d.deleted, array[target.nspname || '.' || target.relname],
          to_jsonb(coalesce((d.deleted ->> (target.nspname || '.' || target.relname))::bigint, 0) + rows))
        where d.workspace_id = the_workspace;
      end if;
    end loop;
  end loop;
  perform set_config('rollcall.erasing', 'off', true);
  if total > 0 then
    return total;
  end if;

  delete from identity.dead_letters d
  where d.key = convert_to(the_workspace::text, 'UTF8') or position(convert_to(the_workspace::text, 'UTF8') in d.payload) > 0;
  delete from mailer.dead_letters d
  where d.key = convert_to(the_workspace::text, 'UTF8') or position(convert_to(the_workspace::text, 'UTF8') in d.payload) > 0;
  delete from directory.dead_letters d
  where d.key = convert_to(the_workspace::text, 'UTF8') or position(convert_to(the_workspace::text, 'UTF8') in d.payload) > 0;

  update identity.workspaces w
  set
    slug = 'deleted-' || w.id,
    settings = jsonb_build_object(
      'slug', 'deleted-' || w.id, 'name', 'Deleted', 'plan', 'free', 'samlSSO', false, 'scimEnabled', false,
      'signInURL', 'https://deleted.invalid/', 'customRoles', '[]'::jsonb, 'defaultRole', 'viewer', 'roleAttribute', 'role',
      'connectionProfile', 'auto', 'extensions', '[]'::jsonb,
      'deletion', w.settings -> 'deletion' || jsonb_build_object(
        'finishedAt', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))),
    version = w.version + 1, modified_at = clock_timestamp(), has_accounts = false
  where w.id = the_workspace
  and not (w.settings -> 'deletion' ? 'finishedAt');
  if found then
    -- The hosts of the workspace are free.
    update identity.domain_changes c set version = c.version + 1;
  end if;
  update identity.workspace_deletions d
  set finished_at = coalesce(d.finished_at, clock_timestamp()), swept_at = clock_timestamp()
  where d.workspace_id = the_workspace;
  return 0;
end
$$;
revoke all on function identity.delete_workspace_page(uuid, bigint) from public;
grant execute on function identity.delete_workspace_page(uuid, bigint) to rollcall_store;
