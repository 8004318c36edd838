-- contract: replaces the unique constraint of group names
-- Blank external ids count as absent; groups may share a name where the workspace allows it; members who leave are counted for the guard.

-- Of a user or group the members id and externalId come right behind schemas, so the first externalId of the text is the resource's own.
update identity.users
set
  external_id = null,
  document = regexp_replace(document, ',"externalId":"(?:[^"\\]|\\.)*"', '')
where external_id is not null
and external_id ~ '^[[:space:]\u00A0\u200B\u200C\u200D\u2060\uFEFF]*$';

update identity.groups
set
  external_id = null,
  document = regexp_replace(document, ',"externalId":"(?:[^"\\]|\\.)*"', '')
where external_id is not null
and external_id ~ '^[[:space:]\u00A0\u200B\u200C\u200D\u2060\uFEFF]*$';

-- What makes a name unique: all zeros, so that a second group of the name is rejected; the group's own id where it was named while the
-- workspace allowed several.
alter table identity.groups
  add column namesake uuid not null default '00000000-0000-0000-0000-000000000000',
  drop constraint groups_display_name_key,
  add constraint groups_display_name_key unique (workspace_id, display_name_key, namesake);

alter table identity.held_changes
  drop constraint held_changes_kind_check,
  add constraint held_changes_kind_check check (kind in ('members-removed', 'group-deleted', 'user-disabled', 'user-deleted'));

-- How many members left a group by one batch, in workspaces that count it.
create table identity.departures (
  workspace_id uuid not null,
  group_id uuid not null,
  happened_at timestamptz not null,
  departed bigint not null,
  -- How many members there were before the first of them left within the guard's window.
  members bigint not null,
  primary key (workspace_id, group_id, happened_at)
);

grant select, insert, update, delete on identity.departures to rollcall_store;

-- As identity/008 has it for what is for the store alone.
alter table identity.departures enable row level security;
create policy store on identity.departures for all to rollcall_store using (true) with check (true);
