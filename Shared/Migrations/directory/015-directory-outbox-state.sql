-- expand
-- How long events wait to be published; one row. The other outboxes have such views, too.
create view directory_read.outbox_state as
select count(*) as waiting, min(created_at) as oldest_at from directory.outbox;

grant select on directory_read.outbox_state to rollcall_operator;
