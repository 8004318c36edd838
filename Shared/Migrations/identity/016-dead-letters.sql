-- expand
-- Dead letters that Kafka does not take, since they are larger than their topic allows, and outbox rows that the broker rejects. They are
-- kept for 30 days, as on the topics of dead letters.

create table identity.dead_letters (
  id bigint generated always as identity primary key,
  -- 'message': identity-store could not handle it; 'event': an outbox row that the broker rejected.
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

create view identity_read.dead_letters with (security_invoker = true) as
select id, kind, topic, origin_partition, origin_offset, key, headers, payload, size, error, attempts, at from identity.dead_letters;

-- They may be of any workspace, or of none: for the operator alone.
alter table identity.dead_letters enable row level security;
create policy writer on identity.dead_letters for all to rollcall_store using (true) with check (true);
create policy operator on identity.dead_letters for select to rollcall_operator using (true);
grant select, insert, delete on identity.dead_letters to rollcall_store;
grant select on identity.dead_letters, identity_read.dead_letters to rollcall_operator;

-- What operators did with dead letters, on Kafka and here: a message in the middle of a topic cannot be deleted, so it is marked as handled.
create table identity.dead_letter_outcomes (
  -- topic/partition/offset, or table/id.
  location text primary key,
  outcome text not null check (outcome in ('replayed', 'dropped')),
  operator text not null,
  workspace_id uuid,
  at timestamptz not null default now()
);

create view identity_read.dead_letter_outcomes with (security_invoker = true) as
select location, outcome, operator, workspace_id, at from identity.dead_letter_outcomes;

alter table identity.dead_letter_outcomes enable row level security;
create policy operator on identity.dead_letter_outcomes for select to rollcall_operator using (true);
grant select on identity.dead_letter_outcomes, identity_read.dead_letter_outcomes to rollcall_operator;

-- Marks a dead letter as handled, once, and writes it to the audit trail of its workspace; false where it is marked already. The one thing
-- that an operator's role writes: dead letters are handled also while identity-store does not run.
create function identity_read.settle_dead_letter(
  place text, verdict text, who text, workspace uuid, command uuid, subject text, details text) returns boolean
language sql volatile security definer
begin atomic
  with settled as (
    insert into identity.dead_letter_outcomes (location, outcome, operator, workspace_id)
    values (place, verdict, who, workspace)
    on conflict (location) do nothing
    returning location
  ), audited as (
    insert into identity.audit (workspace_id, command_id, at, actor, action, target, summary)
    select w.id, command, now(), who, case verdict when 'replayed' then 'replay-dead-letter' else 'drop-dead-letter' end, subject, details
    from settled
    join identity.workspaces w on w.id = workspace
    returning command_id
  )
  select exists (select from settled);
end;

revoke all on function identity_read.settle_dead_letter(text, text, text, uuid, uuid, text, text) from public;
grant execute on function identity_read.settle_dead_letter(text, text, text, uuid, uuid, text, text) to rollcall_operator;
