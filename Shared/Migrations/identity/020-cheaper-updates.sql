-- contract: drops indexes that the release before uses
-- Updates of users and groups without writes to indexes: no index has a column that every update changes. And fewer indexes on users.
-- The end of this file lists the indexes of the schema with the queries that need them.

-- When each user and group was last modified, one row each: filters and sort orders by meta.lastModified read this instead of an index of
-- the resources, which would keep their updates from being HOT (heap-only tuples).
create table identity.modifications (
  workspace_id uuid not null,
  type text not null check (type in ('User', 'Group')),
  modified_at timestamptz not null,
  id uuid not null,
  primary key (workspace_id, type, modified_at, id)
);

insert into identity.modifications (workspace_id, type, modified_at, id)
select workspace_id, 'User', modified_at, id from identity.users
union all
select workspace_id, 'Group', modified_at, id from identity.groups;

-- Once per statement, whatever writes the rows. identity-store plans with indexes and nested loops only, so a plan that was made while the table
-- was small still serves when it is large. (Settings of the function would do the same, but cost as much as its statements.)
create function identity.note_modifications() returns trigger
language plpgsql
as $$
begin
  if tg_op <> 'INSERT' then
    delete from identity.modifications m
    using gone
    where m.workspace_id = gone.workspace_id
    and m.type = tg_argv[0]
    and m.modified_at = gone.modified_at
    and m.id = gone.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into identity.modifications (workspace_id, type, modified_at, id)
    select workspace_id, tg_argv[0], modified_at, id
    from come
    on conflict do nothing;
  end if;
  return null;
end
$$;

create trigger users_come_modified after insert on identity.users
referencing new table as come
for each statement execute function identity.note_modifications('User');

create trigger users_change_modified after update on identity.users
referencing old table as gone new table as come
for each statement execute function identity.note_modifications('User');

create trigger users_go_modified after delete on identity.users
referencing old table as gone
for each statement execute function identity.note_modifications('User');

create trigger groups_come_modified after insert on identity.groups
referencing new table as come
for each statement execute function identity.note_modifications('Group');

create trigger groups_change_modified after update on identity.groups
referencing old table as gone new table as come
for each statement execute function identity.note_modifications('Group');

create trigger groups_go_modified after delete on identity.groups
referencing old table as gone
for each statement execute function identity.note_modifications('Group');

create view identity_read.modifications with (security_invoker = true) as
select workspace_id, type, modified_at, id from identity.modifications;

-- As identity/008.
alter table identity.modifications enable row level security;
create policy store on identity.modifications for all to rollcall_store using (true) with check (true);
create policy operator on identity.modifications for select to rollcall_operator using (true);
create policy workspace on identity.modifications for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select, insert, delete on identity.modifications to rollcall_store;
grant select on identity.modifications, identity_read.modifications to rollcall_reader, rollcall_operator;

drop index identity.users_by_modification;
drop index identity.groups_by_modification;

-- With most users the address is the userName, which has an index of its own.
drop index identity.users_by_email;
create index users_by_email on identity.users (workspace_id, email_key) where email_key is distinct from user_name_key;

-- A displayName is also the name that users_by_name lists people by.
drop index identity.users_by_display_name;

-- Room in each page for the next version of a row: with HOT, it must fit into the same page.
alter table identity.users set (fillfactor = 85);
alter table identity.groups set (fillfactor = 85);

-- What each index is for. An index that no query needs makes every write slower: QueryPlanTests requires a comment of every index.
do $$
declare
  used record;
begin
  for used in
    select *
    from (
      values
        ('users_pkey', 'GET /Users/{id}; pages of users by id; users that a batch touches; users of memberships'),
        ('users_user_name_key', 'Filters userName eq and emails.value eq; names that a batch touches; unique userName'),
        ('users_by_email', 'Filter emails.value eq; addresses that a batch touches; subjects of the log: where the address is not the userName'),
        ('users_by_other_email', 'Filter emails.value eq: further addresses'),
        ('users_by_external_id', 'Filter externalId eq'),
        ('users_by_user_name_hash', 'The hint of 404 User not found: the user with the userName of a deleted one'),
        ('users_by_former_name_hash', 'The same hint, for users deleted before comparison keys'),
        ('users_by_state', 'Filter active eq false; console: members of a state by age'),
        ('users_by_name', 'Filter displayName eq; console: members of a state by name, and search by name'),
        ('users_by_family_name', 'Console: search by family name'),
        ('users_by_user_name_start', 'Console: search by userName'),
        ('users_by_email_start', 'Console: search by address'),
        ('users_by_custom_role', 'Removal of a custom role: whether users have it'),
        ('groups_pkey', 'GET /Groups/{id}; pages of groups by id; groups that a batch touches; groups of memberships'),
        ('groups_display_name_key', 'Filter displayName eq; console: groups by name; names that a batch touches; unique displayName'),
        ('groups_by_external_id', 'Filter externalId eq'),
        ('modifications_pkey', 'Filter and sort order meta.lastModified'),
        ('memberships_pkey', 'Members of a group; filter groups.value eq; memberships that a batch touches'),
        ('memberships_by_user', 'Groups of a user, and of a page of users; filter members.value eq'),
        ('replies_pkey', 'Recorded replies of a batch; reply after a timeout'),
        ('replies_by_age', 'Deletion of old replies'),
        ('tombstones_pkey', '404 User not found; deleted resources that a batch touches; rebuilds'),
        ('early_sign_ins_pkey', 'Sign-ins before provisioning of the addresses that a batch touches'),
        ('early_sign_ins_by_age', 'Deletion of old sign-ins'),
        ('outbox_pkey', 'Publication of events in order, and their deletion'),
        ('totals_pkey', 'totalResults of all groups, and its maintenance'),
        ('state_totals_pkey', 'totalResults of all users; console: members of each state; their maintenance'),
        ('pushes_pkey', 'The day of the last push of the resources that a batch touches'),
        ('pushes_by_day', 'Console: drift'),
        ('deactivations_pkey', 'Change guard: recent deactivations'),
        ('departures_pkey', 'Change guard: recent departures of a group'),
        ('held_changes_pkey', 'A held change by id'),
        ('held_changes_standing', 'The held change that counts for a resource; at most one'),
        ('held_changes_by_resource', 'Console: held changes of a member or group; removal of the name of a deleted user'),
        ('held_changes_by_status', 'Console: pending and decided changes'),
        ('outdated_keys_pkey', 'Comparison keys to compute again'),
        ('provisioning_log_pkey', 'Console and scimctl: the log in order, and an entry; entries that are delivered twice'),
        ('provisioning_log_by_resource', 'Log of a user or group; timeline of a member'),
        ('provisioning_log_by_name', 'Log by name, of resources that no longer have it, or never existed'),
        ('provisioning_log_by_cause', 'Log by cause of failure'),
        ('provisioning_log_failures', 'Log of failures'),
        ('provisioning_log_failures_by_resource', 'Log of the failures of a user or group'),
        ('provisioning_log_failures_by_name', 'Log of failures by name'),
        ('provisioning_hours_pkey', 'Console: requests by hour; their counting'),
        ('provisioning_causes_pkey', 'Console: failures by day; their counting'),
        ('audit_pkey', 'Audit trail in order, and an entry; commands that are delivered twice'),
        ('workspaces_pkey', 'The workspace of a request, and of a batch'),
        ('workspaces_slug_key', 'A workspace by slug; unique slug'),
        ('domains_pkey', 'The workspace of a custom domain; unique domain'),
        ('domains_by_workspace', 'Domains of a workspace whose settings are written'),
        ('domain_changes_pkey', 'Only one row'),
        ('tokens_pkey', 'A token by id; tokens that a batch touches'),
        ('tokens_workspace_id_digest_key', 'The token of a request; unique digest'),
        ('tokens_by_kind', 'Console and scimctl: tokens, clients and sessions'),
        ('tokens_by_predecessor', 'Tokens that replace a token'),
        ('short_lived_tokens', 'Deletion of expired sessions and links'),
        ('token_uses_pkey', 'Uses of a token; their counting'),
        ('signing_keys_pkey', 'A signing key by id'),
        ('consumer_offsets_pkey', 'The next offset of each partition'),
        ('skipped_messages_pkey', 'Skipped messages, each once'),
        ('rebuilds_pkey', 'A rebuild by id'),
        ('dead_letters_pkey', 'Dead letters in order'),
        ('dead_letter_outcomes_pkey', 'What was done with a dead letter')
    ) t (name, queries)
  loop
    execute format('comment on index identity.%I is %L', used.name, used.queries);
  end loop;
end
$$;
