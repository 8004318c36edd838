-- expand
-- What a consumer group has come to, and what it missed because it was deleted before it was read. Rows of the brokers' kind, not of a
-- workspace's: there are as many as partitions.

-- The next offset of each partition, noted every few seconds: where the brokers have forgotten a group's offsets, it tells a topic that was
-- created anew from a group that starts for the first time.
create table identity.consumer_offsets (
  consumer text not null,
  topic text not null,
  partition int not null,
  next_offset bigint not null,
  primary key (consumer, topic, partition)
);

create table identity.skipped_messages (
  consumer text not null,
  topic text not null,
  partition int not null,
  noticed_at timestamptz not null,
  cause text not null check (cause in ('deleted', 'recreated', 'never-read')),
  -- The next offset that would have been read, and where reading went on.
  expected_offset bigint not null,
  resumed_offset bigint not null,
  -- The command by which identity-store was asked to publish the present state again; null where that would not bring the messages back.
  rebuild_id uuid,
  -- When the brokers had that command.
  rebuild_requested_at timestamptz,
  primary key (consumer, topic, partition, noticed_at)
);

create view identity_read.skipped_messages as
select consumer, topic, partition, noticed_at, cause, expected_offset, resumed_offset, rebuild_id, rebuild_requested_at
from identity.skipped_messages;

grant select, insert, update on identity.consumer_offsets, identity.skipped_messages to rollcall_store;
grant select on identity_read.skipped_messages to rollcall_operator;

-- Requests of consumers to publish the present state of every workspace again, and how far each has come.
create table identity.rebuilds (
  -- Of the command that asked for it: one that is delivered twice is one rebuild.
  id uuid not null primary key,
  consumer text not null,
  reason text not null,
  invitations text not null check (invitations in ('missing', 'all', 'none')),
  requested_at timestamptz not null,
  -- The workspace in hand, and what of it was published: the workspace itself, then people, then groups, up to an id.
  workspace_id uuid,
  stage text not null default 'workspace' check (stage in ('workspace', 'users', 'groups')),
  after_id uuid,
  -- The process at work on it, and until when it may go without a sign of life.
  claimed_by text,
  claimed_until timestamptz,
  finished_at timestamptz
);

create view identity_read.rebuilds as
select id, consumer, reason, invitations, requested_at, finished_at
from identity.rebuilds;

grant select, insert, update on identity.rebuilds to rollcall_store;
grant select on identity_read.rebuilds to rollcall_operator;
