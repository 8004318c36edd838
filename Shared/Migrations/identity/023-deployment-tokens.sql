-- expand
-- Deployment-wide tokens, and the list of all workspaces for those who have one.

-- A deployment-wide token has the nil UUID as its workspace id, which no workspace has. The foreign key would refuse it; identity-store refuses
-- tokens of workspaces that do not exist, and workspaces are never deleted.
alter table identity.tokens
  drop constraint tokens_workspace_id_fkey,
  -- People and identity providers belong to one workspace.
  add constraint tokens_of_deployment check (
    workspace_id <> '00000000-0000-0000-0000-000000000000' or (kind = 'token' and not scopes && array['scim'])
  );

-- The workspaces after a slug, by slug. A function of the owner, since row-level security shows the edge one workspace at a time; it returns
-- what a list needs, and no settings. The edge calls it only for a caller with a deployment-wide token.
create function identity_read.workspaces_by_slug(after text, page bigint)
returns table (id uuid, slug text, name text, plan text, created_at timestamptz)
language sql stable security definer parallel safe
begin atomic
  select w.id, w.slug, w.settings ->> 'name', w.settings ->> 'plan', w.created_at
  from identity.workspaces w
  where w.slug > workspaces_by_slug.after
  order by w.slug
  limit least(workspaces_by_slug.page, 1000);
end;

revoke all on function identity_read.workspaces_by_slug(text, bigint) from public;
grant execute on function identity_read.workspaces_by_slug(text, bigint) to rollcall_reader;

comment on index identity.workspaces_slug_key is 'A workspace by slug; workspaces in the order of their slugs; unique slug';
comment on index identity.workspaces_pkey is 'The workspace of a request, and of a batch; the workspace that a request names';

-- A rebuild of one workspace, which an administrator requests over HTTP. Others, and those of earlier versions, are about all workspaces.
alter table identity.rebuilds add column only_workspace_id uuid;

create unique index rebuilds_unfinished on identity.rebuilds (only_workspace_id) where finished_at is null;
comment on index identity.rebuilds_unfinished is 'Management API: the unfinished rebuild of a workspace; at most one';

create index rebuilds_by_workspace on identity.rebuilds (only_workspace_id, requested_at, id) where only_workspace_id is not null;
comment on index identity.rebuilds_by_workspace is 'Management API: the rebuilds of a workspace in order';

-- As in 008.
alter table identity.rebuilds enable row level security;
create policy store on identity.rebuilds for all to rollcall_store using (true) with check (true);
create policy operator on identity.rebuilds for select to rollcall_operator using (true);
create policy workspace on identity.rebuilds for select to rollcall_reader
using (only_workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));

create view identity_read.workspace_rebuilds with (security_invoker = true) as
select
  only_workspace_id as workspace_id, id, invitations, reason, requested_at, stage,
  -- The position of a rebuild that has started is in the workspace.
  workspace_id is not null as is_running, finished_at
from identity.rebuilds
where only_workspace_id is not null;

grant delete on identity.rebuilds to rollcall_store;
grant select on identity.rebuilds, identity_read.workspace_rebuilds to rollcall_reader, rollcall_operator;
