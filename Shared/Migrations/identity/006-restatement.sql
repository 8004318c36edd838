-- expand
-- What is needed to publish the present state again, deletions included.

-- The version of the deletion; null for what was deleted before it was kept.
alter table identity.tombstones add column version bigint;

-- How many events wait to be published, counted up to 100,000: whoever makes many waits while there are many.
create view identity_read.waiting_events as
select count(*) as count from (select 1 from identity.outbox limit 100000) waiting;

grant select on identity_read.waiting_events to rollcall_reader;
