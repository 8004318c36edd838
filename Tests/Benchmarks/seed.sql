-- Seeds the database with active users and groups, in the state that the services would produce. Run with psql as superuser on a
-- database that has the workspace and no users. Variables: workspace (slug), users, largest (the size of the largest group, 100,000 by
-- default), spare (number of users in no group), tombstone_key.
--
-- Three of the 100 groups have a fixed size: 10, a tenth of the largest, and the largest, with members spread evenly over all users. Each
-- of the `users` is a member of one of the other 97 groups. If `users` is less than the largest group, more users are created for it.

-- Skips triggers and foreign keys: the rows are consistent, and the checks would take longer than everything else.
set session_replication_role = replica;
set synchronous_commit = off;
set client_min_messages = warning;
create extension if not exists pgcrypto;

\if :{?largest}
\else
\set largest 100000
\endif
select greatest(:users, :largest) as members \gset

-- UUIDs of version 7, ordered by number.
create function pg_temp.seed_id(kind int, number bigint) returns uuid immutable language sql as $$
  select (
    lpad(to_hex(1767600000000 + kind * 100000000000 + number), 12, '0') || '7' || lpad(to_hex(number % 4096), 3, '0') || '8'
    || substr(md5(number::text), 1, 15)
  )::uuid
$$;

create temporary table seed_users as
select
  pg_temp.seed_id(0, number) as id,
  number,
  'user' || number || '@example.com' as user_name,
  (array['Ana', 'Ben', 'Chloé', 'Dmitri', 'Emeka', 'Fatima', 'Grace', 'Hiro', 'Ines', 'Jonas'])[1 + number % 10] as given_name,
  (array['Silva', 'Okoro', 'Martin', 'Novak', 'Haddad', 'Kim', 'Jensen'])[1 + number % 7] as family_name,
  timestamptz '2026-01-05 09:00+00' + number * interval '1 millisecond' as created_at
from generate_series(1, :members + :spare) as number;

insert into identity.users (
  workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key,
  language, state, role, first_signed_in_at, version, created_at, modified_at, document
)
select
  w.id, u.id, user_name, user_name, hmac(w.id || '/' || user_name, :'tombstone_key', 'sha256'), '00u' || lpad(number::text, 17, '0'),
  given_name || ' ' || family_name, given_name, family_name, user_name, user_name, 'en-US', 'active', 'viewer',
  u.created_at + interval '1 day', 2, u.created_at, u.created_at + interval '1 day',
  format(
    '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],'
    '"id":"%1$s","externalId":"%2$s","userName":"%3$s","name":{"familyName":"%5$s","givenName":"%4$s"},"displayName":"%4$s %5$s",'
    '"title":"Analyst","locale":"en-US","active":true,"emails":[{"value":"%3$s","type":"work","primary":true}],'
    '"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"%6$s","department":"Data"},'
    '"meta":{"resourceType":"User","created":"%7$s"',
    u.id, '00u' || lpad(number::text, 17, '0'), user_name, given_name, family_name, number,
    to_char(u.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
from seed_users u
join identity.workspaces w on w.slug = :'workspace'
order by number;

create temporary table seed_groups as
select
  pg_temp.seed_id(1, number) as id, number, size,
  case when size is null then 'Team ' || number else 'Group of ' || size end as display_name,
  timestamptz '2026-01-06 09:00+00' + number * interval '1 millisecond' as created_at
from generate_series(1, 100) as number
left join (values (98, 10), (99, :largest / 10), (100, :largest)) as sized (number, size) using (number);

insert into identity.groups (
  workspace_id, id, display_name, display_name_key, external_id, version, created_at, modified_at, document
)
select
  w.id, g.id, display_name, lower(display_name), null, 1, g.created_at, g.created_at,
  format(
    '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"id":"%s","displayName":"%s","meta":{"resourceType":"Group","created":"%s"',
    g.id, display_name, to_char(g.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
from seed_groups g
join identity.workspaces w on w.slug = :'workspace';

insert into identity.memberships (workspace_id, group_id, user_id)
select w.id, m.group_id, m.user_id
from identity.workspaces w
cross join (
  select g.id as group_id, u.id as user_id
  from seed_groups g
  cross join lateral generate_series(1, size) as place
  join seed_users u on u.number = place * (:members / size)
  union all
  select g.id, u.id
  from seed_users u
  join seed_groups g on g.number = 1 + u.number % 97
  where u.number <= :users
) m
where w.slug = :'workspace'
order by m.group_id, m.user_id;

-- The counts and times that the triggers would maintain.
insert into identity.totals (workspace_id, type, part, total)
select workspace_id, 'Group', 0, count(*) from identity.groups group by workspace_id
on conflict (workspace_id, type, part) do update
set total = excluded.total;

insert into identity.state_totals (workspace_id, part, invited, active, disabled)
select workspace_id, 0, 0, count(*), 0 from identity.users group by workspace_id
on conflict (workspace_id, part) do update
set active = excluded.active;

insert into identity.modifications (workspace_id, type, modified_at, id)
select workspace_id, 'User', modified_at, id from identity.users
union all
select workspace_id, 'Group', modified_at, id from identity.groups
order by 1, 2, 3, 4;

insert into directory.members (workspace_id, id, state, email, display_name, role, version, document)
select
  workspace_id, id, state, email, display_name, role, version,
  format(
    '{"department":"Data","displayName":"%s","email":"%s","externalId":"%s","familyName":"%s","givenName":"%s","id":"%s","role":"%s",'
    '"state":"%s","title":"Analyst","userName":"%s","version":%s}',
    display_name, email, external_id, family_name, given_name, id, role, state, user_name, version)
from identity.users
order by workspace_id, id;

insert into directory.groups (workspace_id, id, display_name, version, part, complete)
select workspace_id, id, display_name, version, 0, true
from identity.groups;

insert into directory.memberships (workspace_id, group_id, member_id)
select workspace_id, group_id, user_id
from identity.memberships
order by workspace_id, group_id, user_id;

insert into mailer.users (workspace_id, user_id, version, state)
select workspace_id, id, version, state
from identity.users
order by workspace_id, id;

-- Tables for the benchmark: the users it reads and changes, the users it adds to groups (spare), and those groups.
create schema bench;
create table bench.users as
select id, user_name, number > :members as spare
from seed_users
where number > :members or (number <= :users and number % greatest(1, :members / 100000) = 0);
create table bench.groups as
select id, size
from seed_groups
where size is not null;

-- The tables of the write baseline: a row and its outbox row.
create table bench.rows (id uuid primary key, document text not null);
create table bench.outbox (id bigint generated always as identity primary key, payload text not null);

-- Prevents autovacuum during a measurement.
vacuum analyze;
checkpoint;
