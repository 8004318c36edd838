-- expand
-- Webhook endpoints: URLs of the product to which group-sync posts directory events. identity-store owns them, group-sync keeps a copy from events.

create table identity.webhook_endpoints (
  -- The nil UUID for an endpoint that receives the events of all workspaces, so it refers to no table.
  workspace_id uuid not null,
  id uuid not null,
  url text not null,
  description text not null,
  -- The types of events that are delivered; null: all.
  types text[],
  -- Encrypted with a key that only scim-api and group-sync have; empty once the endpoint is deleted.
  secret bytea not null,
  -- Signs beside the other one until then.
  former_secret bytea,
  former_secret_until timestamptz,
  state text not null check (state in ('enabled', 'disabled')),
  disabled_reason text,
  disabled_at timestamptz,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  version bigint not null,
  -- Deleted endpoints are kept for a while, so that a rebuild also publishes the deletion.
  deleted_at timestamptz,
  primary key (workspace_id, id)
);

comment on index identity.webhook_endpoints_pkey is
  'Webhook endpoints of a workspace: those of a batch that writes one, rebuilds, and lists; an endpoint by id';

create view identity_read.webhook_endpoints with (security_invoker = true) as
select
  workspace_id, id, url, description, types, former_secret_until, state, disabled_reason, disabled_at, created_at, modified_at, version
from identity.webhook_endpoints
where deleted_at is null;

-- As in 008, but readers get no right on the secrets.
alter table identity.webhook_endpoints enable row level security;
create policy store on identity.webhook_endpoints for all to rollcall_store using (true) with check (true);
create policy operator on identity.webhook_endpoints for select to rollcall_operator using (true);
create policy workspace on identity.webhook_endpoints for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));

grant select, insert, update, delete on identity.webhook_endpoints to rollcall_store;
grant select (
  workspace_id, id, url, description, types, former_secret_until, state, disabled_reason, disabled_at, created_at, modified_at, version,
  deleted_at
) on identity.webhook_endpoints to rollcall_reader, rollcall_operator;
grant select on identity_read.webhook_endpoints to rollcall_reader, rollcall_operator;
