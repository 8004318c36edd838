-- expand
-- Cheaper writes: recorded replies without the document of the resource, and no foreign keys on users and groups.

-- A reply without data to a write of a user or group has the present document of the resource, with the version and time of that document.
-- Replies that an earlier release recorded have the document themselves, and no version here. Nothing of both: the resource was deleted.
create or replace view identity_read.replies with (security_invoker = true) as
select
  r.workspace_id, r.command_id, r.attributes, coalesce(convert_to(present.document, 'UTF8'), r.data) as data, r.recorded_at,
  present.version as resource_version, present.modified_at as resource_modified_at
from identity.replies r
left join lateral (
  select (r.attributes[array_position(r.attributes, 'resourceid') + 1])::uuid as id where length(r.data) = 0
) written on true
left join lateral (
  select u.version, u.modified_at, u.document
  from identity.users u
  where u.workspace_id = r.workspace_id and u.id = written.id
  union all
  select g.version, g.modified_at, g.document
  from identity.groups g
  where g.workspace_id = r.workspace_id and g.id = written.id
) present on true;

-- A foreign key looks the workspace up, and locks it, for every user and group of a batch. Only identity-store inserts them, it refuses
-- commands for a workspace that does not exist, and workspaces are never deleted.
alter table identity.users drop constraint users_workspace_id_fkey;
alter table identity.groups drop constraint groups_workspace_id_fkey;
