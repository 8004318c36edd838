-- expand
-- Members by where they stand, what restatements need, and receipts of what was taken away.

-- Up to which member id the restatement under way has confirmed the memberships; null where none is under way, or it has a gap.
alter table directory.groups add column restated_through uuid;

create index members_by_state on directory.members (workspace_id, state, id);

create view directory_read.members as
select workspace_id, id, state, email, display_name, role, version
from directory.members
where state <> 'deleted';

create or replace view directory_read.groups as
select workspace_id, id, display_name, version, complete
from directory.groups
where display_name is not null;

create view directory_read.memberships as
select workspace_id, group_id, member_id from directory.memberships;

-- Everybody who is in a group, by standing: the product shows the visible; the pending wait for something; the held, who are disabled, come
-- back to their groups when they are enabled, since identity providers do not send memberships again.
create or replace view directory_read.group_members as
select
  s.workspace_id, s.group_id, g.display_name, s.member_id, m.email, m.state, coalesce(m.state = 'active', false) as visible,
  m.display_name as member_name, m.role,
  case m.state when 'active' then 'visible' when 'disabled' then 'held' else 'pending' end as standing,
  case m.state
    when 'active' then null
    when 'disabled' then 'to be enabled by the identity provider'
    when 'invited' then 'the first sign-in'
    else 'the person''s own data, which has not come yet'
  end as waits_for
from directory.memberships s
join directory.groups g on g.workspace_id = s.workspace_id and g.id = s.group_id
left join directory.members m on m.workspace_id = s.workspace_id and m.id = s.member_id
where g.display_name is not null
and m.state is distinct from 'deleted';

-- What was taken away from whoever was disabled or deleted: written once, never changed. No personal data beyond ids.
create table directory.receipts (
  workspace_id uuid not null,
  -- Sorts by time.
  id uuid not null,
  member_id uuid not null,
  reason text not null check (reason in ('disabled', 'deleted')),
  revoked_at timestamptz not null,
  -- The whole receipt, in JSON.
  document text not null,
  primary key (workspace_id, id)
);

create index receipts_by_member on directory.receipts (workspace_id, member_id, id);

-- The public keys that security event tokens were ever signed with, as JSON Web Keys.
create table directory.signing_keys (
  id text not null primary key,
  jwk text not null,
  first_used_at timestamptz not null default now()
);

create view directory_read.receipts as
select workspace_id, id, member_id, reason, revoked_at, document from directory.receipts;

create view directory_read.signing_keys as
select id, jwk, first_used_at from directory.signing_keys;

grant select, insert on directory.receipts, directory.signing_keys to rollcall_directory;
grant select on all tables in schema directory_read to rollcall_reader;
