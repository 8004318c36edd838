-- expand
-- Imports of workspaces from files, until they are applied; and the rotation of the key for the names of deleted users.

-- At most one import of a workspace. The workspace does not exist before its first part is applied.
create table identity.workspace_imports (
  workspace_id uuid not null primary key,
  id uuid not null,
  status text not null check (status in ('staging', 'waiting', 'applying', 'done', 'failed')),
  created_by text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  -- The numbers of staged parts and of lines of the file, once it is complete.
  parts bigint,
  lines bigint,
  -- The last part that is applied.
  position bigint not null default 0,
  -- Why it failed.
  problem text,
  -- The process that applies it, and until when the claim holds without renewal.
  claimed_by text,
  claimed_until timestamptz
);
comment on index identity.workspace_imports_pkey is 'The import of a workspace';

create index workspace_imports_waiting on identity.workspace_imports (workspace_id, started_at) where status in ('waiting', 'applying');
comment on index identity.workspace_imports_waiting is 'The next import to apply';

create table identity.workspace_import_parts (
  workspace_id uuid not null,
  import_id uuid not null,
  part bigint not null,
  first_line bigint not null,
  -- A JSON array of the lines as strings.
  lines text not null,
  primary key (workspace_id, import_id, part)
);
comment on index identity.workspace_import_parts_pkey is 'Parts of an import in order; parts that are staged twice';

create view identity_read.workspace_imports with (security_invoker = true) as
select workspace_id, id, status, created_by, created_at, started_at, finished_at, parts, lines, position, problem
from identity.workspace_imports;

-- Which key a tombstone was hashed with: the first bytes of a hash of the key. Null for tombstones from before.
alter table identity.tombstones add column name_key_id text;

-- A rotation of the key: when a pass over all users found nothing to change for the first time.
create table identity.name_key_rotations (
  key_id text not null,
  former_key_id text not null,
  started_at timestamptz not null,
  finished_at timestamptz,
  primary key (key_id, former_key_id)
);
comment on index identity.name_key_rotations_pkey is 'identity-store and scimctl doctor: the progress of a rotation';

create view identity_read.name_key_rotations with (security_invoker = true) as
select key_id, former_key_id, started_at, finished_at from identity.name_key_rotations;

-- As in 008.
do $$
declare
  kept text;
begin
  foreach kept in array array['workspace_imports', 'workspace_import_parts', 'name_key_rotations'] loop
    execute format('alter table identity.%I enable row level security', kept);
    execute format('create policy store on identity.%I for all to rollcall_store using (true) with check (true)', kept);
    execute format('grant select, insert, update, delete on identity.%I to rollcall_store', kept);
  end loop;
  foreach kept in array array['workspace_imports', 'name_key_rotations'] loop
    execute format('create policy operator on identity.%I for select to rollcall_operator using (true)', kept);
    execute format('grant select on identity.%I to rollcall_operator', kept);
  end loop;
end
$$;
create policy workspace on identity.workspace_imports for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select on identity.workspace_imports to rollcall_reader;
grant select on identity_read.workspace_imports to rollcall_reader, rollcall_operator;
grant select on identity_read.name_key_rotations to rollcall_operator;

-- What scimctl doctor says about the keys, without names or hashes: tombstones with a hash by key. Null: written before keys were told apart.
create function identity_read.tombstone_keys() returns table (key_id text, tombstones bigint, newest timestamptz)
language sql stable security definer set search_path = pg_catalog
begin atomic
  select t.name_key_id, count(*), max(t.deleted_at)
  from identity.tombstones t
  where t.user_name_hash is not null
  group by t.name_key_id;
end;
revoke all on function identity_read.tombstone_keys() from public;
grant execute on function identity_read.tombstone_keys() to rollcall_operator;
