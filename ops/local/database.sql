-- The database and its roles, for psql as superuser; safe to run again. The migrations grant rights to the group roles; each
-- process logs in as a role of its own that is a member of those it needs.

select format('create role %I nologin', name)
from unnest(array['rollcall_reader', 'rollcall_operator', 'rollcall_store', 'rollcall_mailer', 'rollcall_directory']) as name
where not exists (select from pg_roles where rolname = name)
\gexec

select format('create role %I login', name)
from unnest(array['rollcall_owner', 'scim_api', 'identity_store', 'invitation_mailer', 'group_sync', 'scimctl']) as name
where not exists (select from pg_roles where rolname = name)
\gexec

-- The owner migrates, and a migration may make a group role.
alter role rollcall_owner createrole;

grant rollcall_reader to scim_api, scimctl;
-- Whose rows the edge may see is told for each statement; the operator sees those of every workspace.
grant rollcall_operator to scimctl;
grant rollcall_store to identity_store;
grant rollcall_mailer to invitation_mailer;
grant rollcall_directory to group_sync;

select 'create database rollcall owner rollcall_owner'
where not exists (select from pg_database where datname = 'rollcall')
\gexec
