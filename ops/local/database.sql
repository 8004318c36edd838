-- Creates the database and its roles. Run with psql as superuser; safe to run again. Migrations grant privileges to the group roles. Each
-- process has its own login role, which is a member of the group roles it needs.

select format('create role %I nologin', name)
from unnest(array['rollcall_reader', 'rollcall_feed', 'rollcall_operator', 'rollcall_store', 'rollcall_mailer', 'rollcall_directory']) as name
where not exists (select from pg_roles where rolname = name)
\gexec

select format('create role %I login', name)
from unnest(array['rollcall_owner', 'scim_api', 'scim_api_feed', 'identity_store', 'invitation_mailer', 'group_sync', 'scimctl']) as name
where not exists (select from pg_roles where rolname = name)
\gexec

-- The owner runs the migrations, which may create group roles.
alter role rollcall_owner createrole;

grant rollcall_reader to scim_api, scimctl;
-- The events of all workspaces, for deployment-wide tokens. A login of its own, so that no other connection of scim-api can read them.
grant rollcall_feed to scim_api_feed;
-- scim-api can read only the workspace that each statement sets; the operator can read all workspaces.
grant rollcall_operator to scimctl;
-- 'scimctl top' shows which statements run, without their parameters.
grant pg_read_all_stats to scimctl;
grant rollcall_store to identity_store;
grant rollcall_mailer to invitation_mailer;
grant rollcall_directory to group_sync;

select 'create database rollcall owner rollcall_owner'
where not exists (select from pg_database where datname = 'rollcall')
\gexec
