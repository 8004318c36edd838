-- expand
-- Changes of an identity provider that wait for an admin's approval; see ChangeGuard.

create table identity.held_changes (
  workspace_id uuid not null references identity.workspaces (id),
  id uuid not null,
  -- The user or group.
  resource_id uuid not null,
  kind text not null check (kind in ('members-removed', 'user-disabled', 'user-deleted')),
  -- Of the group or the user; null once the user is deleted.
  name text,
  -- How many members the group had; null for a user.
  members bigint,
  -- The members who would leave the group; empty for a user.
  leaving uuid[] not null,
  requested_by text not null,
  held_at timestamptz not null,
  -- When the identity provider last asked for it.
  asked_at timestamptz not null,
  status text not null check (status in ('pending', 'approved', 'rejected', 'superseded')),
  decided_by text,
  decided_at timestamptz,
  -- Whether it counts for what comes next: it waits, or was rejected and the identity provider has not changed its mind.
  standing boolean not null,
  primary key (workspace_id, id)
);

create unique index held_changes_standing on identity.held_changes (workspace_id, resource_id) where standing;
create index held_changes_by_resource on identity.held_changes (workspace_id, resource_id);
create index held_changes_by_status on identity.held_changes (workspace_id, status, id);

-- Who was disabled or deleted lately, in workspaces that count it.
create table identity.deactivations (
  workspace_id uuid not null,
  happened_at timestamptz not null,
  user_id uuid not null,
  primary key (workspace_id, happened_at, user_id)
);

create view identity_read.held_changes as
select
  workspace_id, id, resource_id, kind, name, members, leaving, requested_by, held_at, asked_at, status, decided_by, decided_at
from identity.held_changes;

grant select, insert, update, delete on identity.held_changes, identity.deactivations to rollcall_store;
grant select on identity_read.held_changes to rollcall_reader;
