-- expand
-- The provisioning log: what became of each request of an identity provider, a partition a day, which is dropped when it is old; and the
-- audit trail: who changed what, for ever.

create table identity.provisioning_log (
  workspace_id uuid not null,
  -- UUID version 7: its first 48 bits are the time of the request in milliseconds, so that ranges of ids are days.
  id uuid not null,
  status int not null,
  failed boolean not null,
  resource_type text,
  resource_id uuid,
  -- The userName or displayName that was sent, in lower case.
  name_key text,
  -- The whole entry as JSON. Not a json column: it is never looked into here.
  entry text not null,
  primary key (workspace_id, id)
) partition by range (id);

create index provisioning_log_failures on identity.provisioning_log (workspace_id, id) where failed;
create index provisioning_log_by_resource on identity.provisioning_log (workspace_id, resource_id, id) where resource_id is not null;

-- The least id of a day's entries.
create function identity.provisioning_log_bound(day date) returns uuid
language sql immutable parallel safe
return (lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;

-- Makes the partitions that are missing, from `back` days ago to `ahead` days on, and drops those of days more than `keep` days ago. Of
-- several processes at once one does it. identity-store may not make tables; this may, as the schema's owner.
create function identity.maintain_provisioning_log(back int, ahead int, keep int, out made int, out dropped int)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- Whoever reads the log for long must not make everybody else wait behind this.
set lock_timeout = '2s'
as $$
declare
  today date := (clock_timestamp() at time zone 'UTC')::date;
  day date;
  partition text;
begin
  made := 0;
  dropped := 0;
  if back < 0 or ahead < 0 or keep < 1 or back + ahead > 1000 then
    raise exception 'the provisioning log cannot be kept with back %, ahead % and keep %', back, ahead, keep;
  end if;
  perform pg_advisory_xact_lock(hashtext('identity.maintain_provisioning_log'));
  for day in select today + number from generate_series(-least(back, keep), ahead) as number loop
    partition := 'provisioning_log_' || to_char(day, 'YYYYMMDD');
    continue when to_regclass('identity.' || partition) is not null;
    execute format('create table identity.%I (like identity.provisioning_log including all)', partition);
    execute format(
      'alter table identity.provisioning_log attach partition identity.%I for values from (%L) to (%L)',
      partition, identity.provisioning_log_bound(day), identity.provisioning_log_bound(day + 1));
    made := made + 1;
  end loop;
  for partition in
    select c.relname
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'identity.provisioning_log'::regclass
    and c.relname < 'provisioning_log_' || to_char(today - keep, 'YYYYMMDD')
  loop
    execute format('drop table identity.%I', partition);
    dropped := dropped + 1;
  end loop;
end
$$;

revoke execute on function identity.maintain_provisioning_log(int, int, int) from public;

select identity.maintain_provisioning_log(7, 3, 30);

create view identity_read.provisioning_log as
select workspace_id, id, status, failed, resource_type, resource_id, name_key, entry from identity.provisioning_log;

create table identity.audit (
  workspace_id uuid not null,
  -- Of the command: one that is delivered twice is carried out, and written down, once.
  command_id uuid not null,
  at timestamptz not null,
  -- operator:ana, token:…
  actor text not null,
  -- update-workspace, issue-token, …
  action text not null,
  -- What was changed: kind and id, and what it is called.
  target text not null,
  -- What was asked for and what it changed, before and after, without secrets; JSON.
  summary text not null,
  -- null where it was carried out; else the status and the words of the refusal.
  status int,
  detail text,
  primary key (workspace_id, command_id)
);

-- The second lock, after the rights: not even whoever may change tables can change what was written down.
create function identity.refuse_audit_change() returns trigger
language plpgsql as $$
begin
  raise exception 'the audit trail is never changed: % refused', lower(tg_op) using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_is_append_only before update or delete or truncate on identity.audit
for each statement execute function identity.refuse_audit_change();

create view identity_read.audit as
select workspace_id, command_id, at, actor, action, target, summary, status, detail from identity.audit;

-- How long events wait to be published; one row.
create view identity_read.outbox_state as
select count(*) as waiting, min(created_at) as oldest_at from identity.outbox;

grant select, insert on identity.provisioning_log, identity.audit to rollcall_store;
grant execute on function identity.maintain_provisioning_log(int, int, int) to rollcall_store;
grant select on identity_read.provisioning_log, identity_read.audit to rollcall_reader;
