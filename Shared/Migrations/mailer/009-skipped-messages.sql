-- expand
-- What a consumer group has come to, and what it missed because it was deleted before it was read. Rows of the brokers' kind, not of a
-- workspace's: there are as many as partitions.

-- The next offset of each partition, noted every few seconds: where the brokers have forgotten a group's offsets, it tells a topic that was
-- created anew from a group that starts for the first time.
create table mailer.consumer_offsets (
  consumer text not null,
  topic text not null,
  partition int not null,
  next_offset bigint not null,
  primary key (consumer, topic, partition)
);

create table mailer.skipped_messages (
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

create view mailer_read.skipped_messages as
select consumer, topic, partition, noticed_at, cause, expected_offset, resumed_offset, rebuild_id, rebuild_requested_at
from mailer.skipped_messages;

grant select, insert, update on mailer.consumer_offsets, mailer.skipped_messages to rollcall_mailer;
grant select on mailer_read.skipped_messages to rollcall_operator;
