-- Fills the event log. Run with psql as superuser on a database that seed.sql has filled. Variables: workspace (slug), events (their number).
--
-- Each second event belongs to the workspace, the others to 500 workspaces of the same deployment. They are spread over the partitions that
-- exist, in the order of the positions.

set synchronous_commit = off;
set client_min_messages = warning;

create temporary table seed_events as
select
  n as number,
  case when n % 2 = 0 then w.id else md5((n % 1000)::text)::uuid end as workspace_id,
  m.id as member_id, m.email
from generate_series(1, :events) as n
join (select id, email, row_number() over (order by id) as place from directory.members order by id limit 10000) m
  on m.place = 1 + n % 10000
cross join (select id from identity.workspaces where slug = :'workspace') w;

insert into directory.events (position, stored_at, workspace_id, sequence, id, type, data)
select
  l.last_position + e.number, now() - interval '3 hours' + interval '3 hours' * e.number / :events, e.workspace_id,
  coalesce(s.last_sequence, 0) + row_number() over (partition by e.workspace_id order by e.number), e.workspace_id::text || '/' || e.number,
  'member.updated',
  format(
    '{"changedAt":"2026-01-05T09:00:00.000Z","changes":{"title":{"from":"Analyst","to":"Senior analyst"}},'
    '"member":{"accountId":"account-%1$s","department":"Data","displayName":"Ana Silva","email":"%2$s","externalId":"00u%1$s",'
    '"familyName":"Silva","givenName":"Ana","id":"%3$s","manager":{"displayName":"Ben Okoro","value":"%3$s"},"role":"viewer",'
    '"state":"active","title":"Senior analyst","userName":"%2$s","version":7},"sequence":%1$s,"type":"member.updated","workspace":"%4$s"}',
    e.number, e.email, e.member_id, e.workspace_id)
from seed_events e
cross join directory.event_log l
left join directory.event_sequences s on s.workspace_id = e.workspace_id
order by e.number;

insert into directory.event_sequences as s (workspace_id, last_sequence)
select workspace_id, count(*) from seed_events group by workspace_id
on conflict (workspace_id) do update set last_sequence = s.last_sequence + excluded.last_sequence;

update directory.event_log set last_position = last_position + :events;

vacuum (analyze) directory.events;
