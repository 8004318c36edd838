-- expand
-- How long events wait to be published; one row. The other outboxes have such views, too.
create view mailer_read.outbox_state as
select count(*) as waiting, min(created_at) as oldest_at from mailer.outbox;

grant select on mailer_read.outbox_state to rollcall_operator;
