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
