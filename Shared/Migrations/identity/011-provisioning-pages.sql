-- expand
-- What the console's pages on provisioning ask for: the log by whom and by kind of failure, hourly counts, and when each user and group
-- was last pushed.

-- What kind of failure it is; null where nothing failed, and for entries from before.
alter table identity.provisioning_log add column cause text;

create index provisioning_log_by_name on identity.provisioning_log (workspace_id, name_key, id) where name_key is not null;
create index provisioning_log_by_cause on identity.provisioning_log (workspace_id, cause, id) where cause is not null;
-- Of a group that is pushed a hundred thousand times the few failures.
create index provisioning_log_failures_by_resource on identity.provisioning_log (workspace_id, resource_id, id)
where failed and resource_id is not null;
create index provisioning_log_failures_by_name on identity.provisioning_log (workspace_id, name_key, id)
where failed and name_key is not null;

create or replace view identity_read.provisioning_log with (security_invoker = true) as
select workspace_id, id, status, failed, resource_type, resource_id, name_key, entry, cause from identity.provisioning_log;

-- The log counted, written with it: of each hour by who sent. Counting begins with this.
create table identity.provisioning_hours (
  workspace_id uuid not null,
  hour timestamptz not null,
  -- All zeros where it is not known.
  token_id uuid not null,
  -- Empty where it is not recognised.
  identity_provider text not null,
  requests bigint not null,
  failures bigint not null,
  last_at timestamptz not null,
  last_success_at timestamptz,
  last_failure_at timestamptz,
  primary key (workspace_id, hour, token_id, identity_provider)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Of each day (in UTC) the failures by their kind, those of a bulk request's operations included.
create table identity.provisioning_causes (
  workspace_id uuid not null,
  day date not null,
  cause text not null,
  failures bigint not null,
  last_at timestamptz not null,
  primary key (workspace_id, day, cause)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- On which day (in UTC) the identity provider last wrote each user and group, whether or not that changed anything. Users who are disabled
-- have no row: nothing is to be expected of them.
create table identity.pushes (
  workspace_id uuid not null,
  resource_id uuid not null,
  type text not null check (type in ('User', 'Group')),
  pushed_on date not null,
  primary key (workspace_id, resource_id)
);

-- What is known of those that are there already is when they last changed.
insert into identity.pushes (workspace_id, resource_id, type, pushed_on)
select workspace_id, id, 'User', (modified_at at time zone 'UTC')::date from identity.users where state <> 'disabled'
union all
select workspace_id, id, 'Group', (modified_at at time zone 'UTC')::date from identity.groups;

create index pushes_by_day on identity.pushes (workspace_id, type, pushed_on, resource_id);

create view identity_read.provisioning_hours as
select workspace_id, hour, token_id, identity_provider, requests, failures, last_at, last_success_at, last_failure_at
from identity.provisioning_hours;

create view identity_read.provisioning_causes as
select workspace_id, day, cause, failures, last_at from identity.provisioning_causes;

create view identity_read.pushes as
select workspace_id, resource_id, type, pushed_on from identity.pushes;

grant select, insert, update, delete on identity.provisioning_hours, identity.provisioning_causes, identity.pushes to rollcall_store;
grant select on identity_read.provisioning_hours, identity_read.provisioning_causes, identity_read.pushes
to rollcall_reader, rollcall_operator;

do $$
declare
  secured text;
begin
  foreach secured in array array['provisioning_hours', 'provisioning_causes', 'pushes'] loop
    execute format('alter table identity.%I enable row level security', secured);
    execute format('create policy store on identity.%I for all to rollcall_store using (true) with check (true)', secured);
    execute format('create policy operator on identity.%I for select to rollcall_operator using (true)', secured);
    execute format(
      $policy$
        create policy workspace on identity.%I for select to rollcall_reader
        using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured);
    execute format('grant select on identity.%I to rollcall_reader, rollcall_operator', secured);
    execute format('alter view identity_read.%I set (security_invoker = true)', secured);
  end loop;
end
$$;
