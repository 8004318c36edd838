-- expand
-- Erasure of what remains of a deleted user: requests, and the functions that carry them out. The functions of the owner are the only way to change
-- the audit trail, and the command that requests an erasure is in it.

create table identity.erasures (
  workspace_id uuid not null references identity.workspaces,
  user_id uuid not null,
  requested_by text not null,
  requested_at timestamptz not null,
  -- The last attempt that failed, and why. Another one follows after ten minutes, and other erasures do not wait for it.
  tried_at timestamptz,
  problem text,
  finished_at timestamptz,
  -- How many rows were erased, by kind.
  erased json,
  primary key (workspace_id, user_id)
);

create index erasures_unfinished on identity.erasures (requested_at) where finished_at is null;
comment on index identity.erasures_unfinished is 'identity-store: the next erasure; empty most of the time';
comment on index identity.erasures_pkey is 'Management API: the erasure of a user';

-- As in 008.
alter table identity.erasures enable row level security;
create policy store on identity.erasures for all to rollcall_store using (true) with check (true);
create policy operator on identity.erasures for select to rollcall_operator using (true);
create policy workspace on identity.erasures for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));

create view identity_read.erasures with (security_invoker = true) as
select workspace_id, user_id, requested_by, requested_at, problem, finished_at, erased
from identity.erasures;

grant select, insert, update on identity.erasures to rollcall_store;
grant select on identity.erasures, identity_read.erasures to rollcall_reader, rollcall_operator;

create or replace function identity.refuse_audit_change() returns trigger
language plpgsql as $$
begin
  -- identity.erase_person sets this. Nobody but the owner of the table has the right to update it.
  if tg_op = 'UPDATE' and current_setting('rollcall.erasing', true) = 'on' then
    return null;
  end if;
  raise exception 'the audit trail is never changed: % refused', lower(tg_op) using errcode = 'insufficient_privilege';
end
$$;

-- Erases what the schema knows about a deleted user. The id remains as a pseudonym in the audit trail.
create function identity.erase_person(the_workspace uuid, the_user uuid) returns json
language plpgsql security definer set search_path = pg_catalog as $$
declare
  names text[];
  before_deletion uuid;
  requests bigint;
  more bigint;
  changes bigint;
  entries bigint;
  letters bigint;
begin
  -- Entries of the log have ids that begin with their time in milliseconds.
  select (lpad(to_hex((extract(epoch from t.deleted_at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
  into before_deletion
  from identity.tombstones t
  where t.workspace_id = the_workspace and t.id = the_user and t.type = 'User'
  and not exists (select from identity.users u where u.workspace_id = the_workspace and u.id = the_user);
  if before_deletion is null then
    raise exception 'the user % is not deleted', the_user using errcode = 'object_not_in_prerequisite_state';
  end if;
  -- Not in the head of the function, since the owner of the schema is no superuser. An error takes it back, too.
  perform set_config('rollcall.erasing', 'on', true);

  select array_agg(distinct l.name_key)
  into names
  from identity.provisioning_log l
  where l.workspace_id = the_workspace and l.resource_id = the_user and l.name_key is not null;
  delete from identity.provisioning_log l where l.workspace_id = the_workspace and l.resource_id = the_user;
  get diagnostics requests = row_count;
  -- Requests that were refused before there was a user, by the same names.
  delete from identity.provisioning_log l
  where l.workspace_id = the_workspace and l.name_key = any (names) and l.resource_id is null and l.id < before_deletion;
  get diagnostics more = row_count;

  update identity.held_changes h set name = null, document = null where h.workspace_id = the_workspace and h.resource_id = the_user;
  get diagnostics changes = row_count;

  update identity.audit a
  set summary = '{"erased":true}', detail = case when a.detail is not null then 'Erased.' end
  where a.workspace_id = the_workspace
  and a.action <> 'erase-user'
  and (a.target = 'user ' || the_user or a.target = 'resource ' || the_user or position(the_user::text in a.summary) > 0);
  get diagnostics entries = row_count;

  delete from identity.dead_letters d where position(convert_to(the_user::text, 'UTF8') in d.payload) > 0;
  get diagnostics letters = row_count;

  update identity.tombstones t set user_name_hash = null where t.workspace_id = the_workspace and t.id = the_user;
  perform set_config('rollcall.erasing', 'off', true);
  return json_build_object('requests', requests + more, 'heldChanges', changes, 'auditEntries', entries, 'deadLetters', letters);
end
$$;
revoke all on function identity.erase_person(uuid, uuid) from public;

-- Carries out the oldest erasure that was requested at least `age` ago, so that what was in flight between the services has arrived. It returns no
-- row if there is none, or another process is at it, and a row with the problem if it failed.
create function identity.run_erasure(age interval) returns table (workspace_id uuid, user_id uuid, erased json, problem text)
language plpgsql security definer set search_path = pg_catalog as $$
declare
  next identity.erasures;
  done json;
begin
  select e.*
  into next
  from identity.erasures e
  where e.finished_at is null and e.requested_at <= now() - age and coalesce(e.tried_at <= now() - interval '10 minutes', true)
  order by coalesce(e.tried_at, e.requested_at)
  limit 1
  for update skip locked;
  if next.user_id is null then
    return;
  end if;
  begin
    done := json_build_object(
      'identity', identity.erase_person(next.workspace_id, next.user_id), 'mailer', mailer.erase_person(next.workspace_id, next.user_id),
      'directory', directory.erase_person(next.workspace_id, next.user_id));
  exception when others then
    update identity.erasures e
    set tried_at = clock_timestamp(), problem = sqlerrm
    where e.workspace_id = next.workspace_id and e.user_id = next.user_id;
    return query select next.workspace_id, next.user_id, null::json, sqlerrm;
    return;
  end;
  update identity.erasures e
  set finished_at = clock_timestamp(), erased = done, problem = null
  where e.workspace_id = next.workspace_id and e.user_id = next.user_id;
  return query select next.workspace_id, next.user_id, done, null::text;
end
$$;
revoke all on function identity.run_erasure(interval) from public;
grant execute on function identity.run_erasure(interval) to rollcall_store;
