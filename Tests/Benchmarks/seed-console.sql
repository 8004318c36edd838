-- Seeds the provisioning log for the console benchmark: 1,000,000 entries over five days, 2 percent of them failed, and the last push of
-- each resource. Run with psql as superuser after seed.sql. Variable: workspace (slug).

set synchronous_commit = off;
set client_min_messages = warning;

select identity.maintain_provisioning_log(6, 1, 30);

insert into identity.provisioning_log (workspace_id, id, status, failed, resource_type, resource_id, name_key, cause, entry)
select
  w.id, entry_id, case when failed then 404 else 200 end, failed, 'User', u.id, u.user_name, case when failed then 'staleUser' end,
  json_build_object(
    'id', entry_id, 'workspace', w.id, 'at', to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'method', 'PUT',
    'path', '/api/v2/scim/Users/' || u.id, 'status', case when failed then 404 else 200 end, 'microseconds', 1200,
    'resourceType', 'User', 'resource', u.id, 'name', u.user_name, 'identityProvider', 'okta',
    'body', json_build_object('bytes', 600, 'json', json_build_object('userName', u.user_name, 'title', repeat('x', 500)))
  )::text
from generate_series(1, 1000000) as n
cross join lateral (
  select n % 50 = 0 as failed, date_trunc('milliseconds', now() - make_interval(secs => n * 0.432)) as at
) sent
cross join lateral (
  select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid as entry_id
) named
join (select id, user_name, row_number() over () as number from bench.users) u
  on u.number = 1 + n % (select count(*) from bench.users)
cross join (select id from identity.workspaces where slug = :'workspace') w;

insert into identity.provisioning_hours (
  workspace_id, hour, token_id, identity_provider, requests, failures, last_at, last_success_at, last_failure_at
)
select
  w.id, hour, '00000000-0000-0000-0000-000000000000', 'okta', 8300, 166, hour + interval '59 minutes', hour + interval '59 minutes',
  hour + interval '58 minutes'
from generate_series(date_trunc('hour', now()) - interval '5 days', date_trunc('hour', now()) - interval '1 hour', interval '1 hour') hour
cross join (select id from identity.workspaces where slug = :'workspace') w
on conflict do nothing;

insert into identity.pushes (workspace_id, resource_id, type, pushed_on)
select workspace_id, id, 'User', current_date - (abs(hashtext(id::text)) % 40) from identity.users
union all
select workspace_id, id, 'Group', current_date - 3 from identity.groups
on conflict do nothing;

vacuum analyze;
checkpoint;
