-- expand
-- Dead letters that Kafka does not take, since they are larger than their topic allows, and outbox rows that the broker rejects. They are
-- kept for 30 days, as on the topics of dead letters.

create table mailer.dead_letters (
  id bigint generated always as identity primary key,
  -- 'message': invitation-mailer could not handle it; 'event': an outbox row that the broker rejected.
  kind text not null check (kind in ('message', 'event')),
  -- Where the message was read; of an event, where it was to go: that has neither partition nor offset.
  topic text not null,
  origin_partition bigint,
  origin_offset bigint,
  key bytea,
  -- Names and values in turn.
  headers text[] not null,
  -- The first bytes of the message; all of it where they are as many as its size.
  payload bytea not null,
  -- In bytes.
  size bigint not null,
  error text not null,
  attempts bigint not null,
  at timestamptz not null default now()
);

create view mailer_read.dead_letters with (security_invoker = true) as
select id, kind, topic, origin_partition, origin_offset, key, headers, payload, size, error, attempts, at from mailer.dead_letters;

-- They may be of any workspace, or of none: for the operator alone.
alter table mailer.dead_letters enable row level security;
create policy writer on mailer.dead_letters for all to rollcall_mailer using (true) with check (true);
create policy operator on mailer.dead_letters for select to rollcall_operator using (true);
grant select, insert, delete on mailer.dead_letters to rollcall_mailer;
grant select on mailer.dead_letters, mailer_read.dead_letters to rollcall_operator;
