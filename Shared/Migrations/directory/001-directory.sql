-- expand
-- The product's directory, which group-sync alone writes: people, groups and who is in which. Every key and index leads with the
-- workspace id. What users and groups say of each other may come in any order, so that nothing here refers to anything by a constraint.

create schema directory;

create table directory.members (
  workspace_id uuid not null,
  id uuid not null,
  -- A deleted person stays as a bare version, so that what comes late or again does not bring them back.
  state text not null check (state in ('invited', 'active', 'disabled', 'deleted')),
  email text,
  display_name text,
  role text,
  version bigint not null,
  primary key (workspace_id, id),
  constraint members_deleted check (state <> 'deleted' or (email is null and display_name is null and role is null))
);

create table directory.groups (
  workspace_id uuid not null,
  id uuid not null,
  -- Null once the group is deleted.
  display_name text,
  -- The last event that was taken in.
  version bigint not null,
  part bigint not null,
  -- Whether every event since the group's creation, or since its last restatement, was taken in: if so, its memberships are all here.
  complete boolean not null,
  primary key (workspace_id, id)
);

create index groups_by_name on directory.groups (workspace_id, lower(display_name)) where display_name is not null;

-- Kept also while a person is invited or disabled, and for people whose own event has not come yet.
create table directory.memberships (
  workspace_id uuid not null,
  group_id uuid not null,
  member_id uuid not null,
  primary key (workspace_id, group_id, member_id)
);

create index memberships_by_member on directory.memberships (workspace_id, member_id, group_id);

-- Events on their way to Kafka; the relay publishes them in the order of id and deletes them.
create table directory.outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key bytea not null,
  -- Names and values in turn.
  headers text[] not null,
  payload bytea not null,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

create schema directory_read;

create view directory_read.groups as
select workspace_id, id, display_name
from directory.groups
where display_name is not null;

-- Everybody who is in a group; the product shows those who are visible.
create view directory_read.group_members as
select
  s.workspace_id, s.group_id, g.display_name, s.member_id, m.email, m.state, coalesce(m.state = 'active', false) as visible
from directory.memberships s
join directory.groups g on g.workspace_id = s.workspace_id and g.id = s.group_id
left join directory.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
where g.display_name is not null;

grant usage on schema directory to rollcall_directory;
grant select, insert, update, delete on all tables in schema directory to rollcall_directory;
grant usage on all sequences in schema directory to rollcall_directory;

grant usage on schema directory_read to rollcall_reader;
grant select on all tables in schema directory_read to rollcall_reader;
