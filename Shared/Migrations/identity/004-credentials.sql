-- expand
-- Workspaces' own domains, OAuth clients beside API access tokens, what tokens were last used from, and the keys that sign access tokens.

-- Unique in the deployment, so the domain leads the key. Rewritten with the settings of the workspace, which has them, too.
create table identity.domains (
  domain text not null primary key,
  workspace_id uuid not null references identity.workspaces (id)
);

create index domains_by_workspace on identity.domains (workspace_id);

-- One row, counted up with every change of the table above: the edge looks at it, and reads the table where it has changed.
create table identity.domain_changes (
  one boolean not null primary key default true check (one),
  version bigint not null
);

insert into identity.domain_changes (version) values (0);

alter table identity.tokens
  -- A client's digest is that of its secret.
  add column kind text not null default 'token' check (kind in ('token', 'client')),
  -- The token that this one takes the place of.
  add column predecessor_id uuid,
  -- The secret that a client had before, and until when it is good.
  add column former_digest bytea check (length(former_digest) = 32),
  add column former_until timestamptz;

create index tokens_by_predecessor on identity.tokens (workspace_id, predecessor_id) where predecessor_id is not null;

create table identity.token_uses (
  workspace_id uuid not null,
  token_id uuid not null,
  -- In UTC.
  day date not null,
  -- Empty for all addresses beyond those that are told apart.
  address text not null,
  uses bigint not null,
  last_used_at timestamptz not null,
  primary key (workspace_id, token_id, day, address)
);

-- Which roles of a workspace's own are in use.
create index users_by_custom_role on identity.users (workspace_id, role) where role not in ('admin', 'editor', 'viewer');

-- A key is published from its making on, signs from signs_at to retires_at, and is published until expires_at, when nothing that it has
-- signed is good any more.
create table identity.signing_keys (
  id uuid not null primary key,
  -- A JSON Web Key (RFC 7517).
  public_key text not null,
  -- Sealed with a key that only the services know.
  private_key bytea not null,
  created_at timestamptz not null,
  signs_at timestamptz not null,
  retires_at timestamptz not null,
  expires_at timestamptz not null
);

create or replace view identity_read.tokens as
select
  workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, revoked_at, kind, predecessor_id, former_digest, former_until
from identity.tokens;

create view identity_read.domains as
select domain, workspace_id from identity.domains;

create view identity_read.domain_changes as
select version from identity.domain_changes;

create view identity_read.token_uses as
select workspace_id, token_id, day, address, uses, last_used_at from identity.token_uses;

create view identity_read.signing_keys as
select id, public_key, private_key, created_at, signs_at, retires_at, expires_at from identity.signing_keys;

grant select, insert, update, delete on
  identity.domains, identity.domain_changes, identity.token_uses, identity.signing_keys
to rollcall_store;

grant select on
  identity_read.domains, identity_read.domain_changes, identity_read.token_uses, identity_read.signing_keys
to rollcall_reader;
