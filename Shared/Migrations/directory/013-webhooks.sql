-- expand
-- Deliveries of directory events to webhook endpoints. identity-store owns the endpoints, and group-sync keeps a copy of each from its events.
-- `owner_id` is the workspace of an endpoint, or the nil UUID if it receives the events of all workspaces; `workspace_id` is that of the events.

-- One row: a number that increases with each change of an endpoint. A transaction holds its lock until it commits, so a reader that has seen a
-- number has seen all changes up to it.
create table directory.webhook_revision (
  one boolean not null primary key default true check (one),
  revision bigint not null default 0
);

insert into directory.webhook_revision default values;

create table directory.webhook_endpoints (
  owner_id uuid not null,
  id uuid not null,
  url text not null,
  -- The types of events that are delivered; null: all.
  types text[],
  -- Encrypted with a key that only scim-api and group-sync have.
  secret bytea not null,
  former_secret bytea,
  former_secret_until timestamptz,
  -- A deleted endpoint is kept for a while, so that an older event does not bring it back.
  state text not null check (state in ('enabled', 'disabled', 'deleted')),
  version bigint not null,
  -- The number of the last change, or of the last order about its deliveries.
  revision bigint not null,
  changed_at timestamptz not null,
  primary key (owner_id, id)
);

comment on index directory.webhook_endpoints_pkey is 'Endpoints of a workspace: changes and orders of a batch, and lanes with undelivered events';

create index webhook_endpoints_by_revision on directory.webhook_endpoints (revision);
comment on index directory.webhook_endpoints_by_revision is 'Endpoints that changed since a process has read them';

-- How far the events of a workspace are delivered to an endpoint. An endpoint without a row for a workspace has received none of its events.
create table directory.webhook_cursors (
  owner_id uuid not null,
  endpoint_id uuid not null,
  workspace_id uuid not null,
  -- All events up to this sequence number are delivered, skipped, or of other types.
  last_sequence bigint not null,
  -- Later events that are delivered or skipped already.
  ahead bigint[] not null default '{}',
  -- Failed attempts at the next event.
  attempts bigint not null default 0,
  first_failed_at timestamptz,
  next_attempt_at timestamptz,
  last_error text,
  -- Increases with each order of an administrator. A result that was computed before the order is not recorded.
  revision bigint not null default 0,
  primary key (owner_id, endpoint_id, workspace_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

comment on index directory.webhook_cursors_pkey is 'Cursors of an endpoint, or of an endpoint in one workspace';

-- Orders that were accepted, so that one that arrives twice is carried out once. A test waits until its request was sent.
create table directory.webhook_orders (
  owner_id uuid not null,
  id uuid not null,
  endpoint_id uuid not null,
  kind text not null check (kind in ('test', 'skip', 'redeliver')),
  ordered_at timestamptz not null,
  done_at timestamptz,
  primary key (owner_id, id)
);

comment on index directory.webhook_orders_pkey is 'Whether an order was accepted before, and the end of a test';

create index webhook_orders_open on directory.webhook_orders (owner_id, endpoint_id) where done_at is null;
comment on index directory.webhook_orders_open is 'Tests that were not sent yet';

-- The requests of the last days, a partition a day.
create table directory.webhook_deliveries (
  owner_id uuid not null,
  endpoint_id uuid not null,
  -- UUID version 7.
  id uuid not null,
  -- When the request was sent, or the event was skipped.
  at timestamptz not null,
  workspace_id uuid not null,
  -- Null for a test.
  sequence bigint,
  event_id text not null,
  type text not null,
  -- The header `webhook-id`.
  webhook_id text not null,
  -- From 1 on.
  attempt bigint not null,
  -- Whether it was sent ahead of earlier events.
  is_ahead boolean not null,
  delivered boolean not null,
  url text not null,
  duration_ms bigint not null,
  -- The status of the response; null if there was none.
  status bigint,
  -- Why it failed, for people to read.
  error text,
  -- The headers and the beginning of the body of the response. The body of the request is made from the event, which the event log has.
  response_head text,
  response_body text
) partition by range (at);

create index webhook_deliveries_by_time on directory.webhook_deliveries (owner_id, endpoint_id, at);
comment on index directory.webhook_deliveries_by_time is 'Delivery log of an endpoint, latest first';

-- Holds the requests of a day whose partition does not exist, because maintenance has not run.
create table directory.webhook_deliveries_default partition of directory.webhook_deliveries default;

-- Creates the partitions of today and of the next `ahead` days (UTC), drops those of days more than `keep` days ago, and deletes what else is old.
create function directory.maintain_webhooks(ahead int, keep int, out made int, out dropped int)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
-- A long query of the delivery log must not make everybody else wait behind this.
set lock_timeout = '2s'
as $$
declare
  today date := (clock_timestamp() at time zone 'UTC')::date;
  day date;
  name text;
  starts timestamptz;
  ends timestamptz;
begin
  made := 0;
  dropped := 0;
  if ahead < 0 or ahead > 30 or keep < 1 then
    raise exception 'the delivery log cannot be kept with ahead % and keep %', ahead, keep;
  end if;
  perform pg_advisory_xact_lock(hashtext('directory.maintain_webhooks'));
  for day in select today + n from generate_series(0, ahead) as n loop
    name := 'webhook_deliveries_' || to_char(day, 'YYYYMMDD');
    starts := day::timestamp at time zone 'UTC';
    ends := (day + 1)::timestamp at time zone 'UTC';
    continue when to_regclass('directory.' || name) is not null;
    continue when exists (select from directory.webhook_deliveries_default where at >= starts and at < ends);
    execute format('create table directory.%I (like directory.webhook_deliveries including defaults)', name);
    execute format(
      'alter table directory.webhook_deliveries attach partition directory.%I for values from (%L) to (%L)', name, starts, ends);
    made := made + 1;
  end loop;
  for name in
    select c.relname
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'directory.webhook_deliveries'::regclass
    and c.relname ~ '^webhook_deliveries_[0-9]{8}$'
    and c.relname < 'webhook_deliveries_' || to_char(today - keep, 'YYYYMMDD')
  loop
    execute format('drop table directory.%I', name);
    dropped := dropped + 1;
  end loop;
  delete from directory.webhook_deliveries_default where at < (today - keep)::timestamp at time zone 'UTC';
  delete from directory.webhook_orders where ordered_at < clock_timestamp() - interval '60 days';
  delete from directory.webhook_endpoints where state = 'deleted' and changed_at < clock_timestamp() - interval '60 days';
end
$$;

revoke execute on function directory.maintain_webhooks(int, int) from public;
grant execute on function directory.maintain_webhooks(int, int) to rollcall_directory;

select directory.maintain_webhooks(2, 7);

-- Whoever reads for a workspace sees its own endpoints; those of the deployment belong to the operator, who reads as the nil workspace.
do $$
declare
  secured text;
begin
  foreach secured in array array['webhook_endpoints', 'webhook_cursors', 'webhook_orders', 'webhook_deliveries'] loop
    execute format('alter table directory.%I enable row level security', secured);
    execute format('create policy directory on directory.%I for all to rollcall_directory using (true) with check (true)', secured);
  end loop;
  foreach secured in array array['webhook_cursors', 'webhook_deliveries'] loop
    execute format('create policy operator on directory.%I for select to rollcall_operator using (true)', secured);
    execute format(
      $policy$
        create policy workspace on directory.%I for select to rollcall_reader
        using (owner_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured);
    execute format('grant select on directory.%I to rollcall_reader, rollcall_operator', secured);
  end loop;
end
$$;

grant select, insert, update, delete on directory.webhook_endpoints, directory.webhook_cursors, directory.webhook_orders to rollcall_directory;
grant select, update on directory.webhook_revision to rollcall_directory;
grant select, insert on directory.webhook_deliveries to rollcall_directory;

create view directory_read.webhook_cursors with (security_invoker = true) as
select owner_id, endpoint_id, workspace_id, last_sequence, attempts, first_failed_at, next_attempt_at, last_error
from directory.webhook_cursors;

create view directory_read.webhook_deliveries with (security_invoker = true) as
select
  owner_id, endpoint_id, id, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url, duration_ms, status,
  error, response_head, response_body
from directory.webhook_deliveries;

grant select on directory_read.webhook_cursors, directory_read.webhook_deliveries to rollcall_reader, rollcall_operator;
