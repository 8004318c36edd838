-- expand
-- What identity-store owns. Every key and index leads with the workspace id, so that the schema can be distributed by
-- workspace unchanged. Nobody but identity-store writes here; the edge and the operator read the views of identity_read.

do $$
declare
  role_name text;
begin
  foreach role_name in array array['rollcall_reader', 'rollcall_store', 'rollcall_mailer', 'rollcall_directory'] loop
    begin
      if not exists (select from pg_roles where rolname = role_name) then
        execute format('create role %I nologin', role_name);
      end if;
    exception
      -- Another database of the same cluster is being migrated at this moment.
      when duplicate_object or unique_violation then null;
    end;
  end loop;
end
$$;

create schema identity;

create table identity.workspaces (
  id uuid not null primary key,
  slug text not null unique,
  settings jsonb not null,
  version bigint not null,
  created_at timestamptz not null,
  modified_at timestamptz not null
);

create table identity.tokens (
  workspace_id uuid not null references identity.workspaces (id),
  id uuid not null,
  name text not null,
  -- SHA-256 of the token's text; the text itself is nowhere.
  digest bytea not null check (length(digest) = 32),
  scopes text[] not null,
  expires_at timestamptz,
  created_by text not null,
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, digest)
);

create table identity.users (
  workspace_id uuid not null references identity.workspaces (id),
  id uuid not null,
  user_name text not null,
  -- What userName is compared by: it is not case-exact (RFC 7643 §4.1.1).
  user_name_key text not null,
  -- Keyed hash of user_name_key: finds the live user that has the name of a deleted one.
  user_name_hash bytea not null,
  external_id text,
  display_name text,
  given_name text,
  family_name text,
  email text,
  email_key text,
  language text,
  state text not null check (state in ('invited', 'active', 'disabled')),
  role text not null,
  first_signed_in_at timestamptz,
  version bigint not null,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  -- The resource as it is sent, open at the end: see StoredResource.
  document text not null,
  primary key (workspace_id, id),
  constraint users_user_name_key unique (workspace_id, user_name_key)
);

create index users_by_external_id on identity.users (workspace_id, external_id) where external_id is not null;
create index users_by_email on identity.users (workspace_id, email_key) where email_key is not null;
create index users_by_user_name_hash on identity.users (workspace_id, user_name_hash);
create index users_by_state on identity.users (workspace_id, state, id);

create table identity.groups (
  workspace_id uuid not null references identity.workspaces (id),
  id uuid not null,
  display_name text not null,
  display_name_key text not null,
  external_id text,
  version bigint not null,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  document text not null,
  primary key (workspace_id, id),
  constraint groups_display_name_key unique (workspace_id, display_name_key)
);

create index groups_by_external_id on identity.groups (workspace_id, external_id) where external_id is not null;

-- One row a member: a change of one touches one row, whatever the size of the group. No foreign keys, which would look both ends of each
-- row up one by one, 100,000 times for a large group. The store deletes the rows of a user or group with it; one that a deletion by
-- another process left behind has an id that is never used again, and every read goes by way of the users and groups there are.
create table identity.memberships (
  workspace_id uuid not null,
  group_id uuid not null,
  user_id uuid not null,
  primary key (workspace_id, group_id, user_id)
);

create index memberships_by_user on identity.memberships (workspace_id, user_id, group_id);

-- The recorded reply of each command: what a redelivered command is answered with.
create table identity.replies (
  workspace_id uuid not null,
  command_id uuid not null,
  -- Names and values in turn.
  attributes text[] not null,
  data bytea not null,
  recorded_at timestamptz not null default now(),
  primary key (workspace_id, command_id)
);

create index replies_by_age on identity.replies using brin (recorded_at);

-- Sign-ins of people who are not provisioned yet; they start active.
create table identity.early_sign_ins (
  workspace_id uuid not null,
  email_key text not null,
  signed_in_at timestamptz not null,
  primary key (workspace_id, email_key)
);

-- What is left of deleted resources: no personal data.
create table identity.tombstones (
  workspace_id uuid not null,
  id uuid not null,
  type text not null check (type in ('User', 'Group')),
  user_name_hash bytea,
  deleted_at timestamptz not null,
  primary key (workspace_id, id)
);

-- Events on their way to Kafka; the relay publishes them in the order of id and deletes them.
create table identity.outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key bytea not null,
  -- Names and values in turn.
  headers text[] not null,
  payload bytea not null,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

create schema identity_read;

create view identity_read.workspaces as
select id, slug, settings, version, created_at, modified_at from identity.workspaces;

create view identity_read.tokens as
select workspace_id, id, name, digest, scopes, expires_at, created_by, created_at, revoked_at from identity.tokens;

create view identity_read.users as
select
  workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key, language,
  state, role, first_signed_in_at, version, created_at, modified_at, document
from identity.users;

create view identity_read.groups as
select workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document from identity.groups;

create view identity_read.memberships as
select workspace_id, group_id, user_id from identity.memberships;

create view identity_read.replies as
select workspace_id, command_id, attributes, data, recorded_at from identity.replies;

create view identity_read.tombstones as
select workspace_id, id, type, user_name_hash, deleted_at from identity.tombstones;

grant usage on schema identity to rollcall_store;
grant select, insert, update, delete on all tables in schema identity to rollcall_store;
grant usage on all sequences in schema identity to rollcall_store;

grant usage on schema identity_read to rollcall_reader;
grant select on all tables in schema identity_read to rollcall_reader;
