-- expand
-- Sessions of the admin console, and links that open one, once: rows beside the tokens that open them.

alter table identity.tokens
  drop constraint tokens_kind_check,
  add constraint tokens_kind_check check (kind in ('token', 'client', 'session', 'link')),
  -- The token or the link that a session was opened with; without one a proxy has vouched for the person.
  add column opened_with uuid;

create index tokens_by_kind on identity.tokens (workspace_id, kind, id);

-- What is trimmed some days after its end.
create index short_lived_tokens on identity.tokens (workspace_id, expires_at) where kind in ('session', 'link');

create or replace view identity_read.tokens with (security_invoker = true) as
select
  workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, revoked_at, kind, predecessor_id, former_digest, former_until,
  opened_with
from identity.tokens;

-- The one thing that is looked up before it is known which workspace is meant: behind a proxy that says which by its slug. A function of
-- the owner's, since a policy shows the reader no workspace by then; it tells the id and nothing else.
create function identity_read.workspace_with_slug(slug text) returns uuid
language sql stable security definer parallel safe
begin atomic
  select w.id from identity.workspaces w where w.slug = workspace_with_slug.slug;
end;

revoke all on function identity_read.workspace_with_slug(text) from public;
grant execute on function identity_read.workspace_with_slug(text) to rollcall_reader;
