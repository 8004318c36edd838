-- contract: drops the triggers that write the history of invitations
-- Fewer writes per invitation. invitation-mailer writes the history and the events itself, with the changes that an administrator cares about,
-- so the triggers go. A mail that is claimed or sent changes few indexed columns: `state` is in no index, and one index tells what is due next.

drop trigger invitations_come on mailer.invitations;
drop trigger invitations_change on mailer.invitations;
drop function mailer.tell_states();
drop function mailer.state_event(uuid, uuid, uuid, text, text, timestamptz, text, bigint);

drop index mailer.invitations_expiring;
drop index mailer.invitations_sending;
drop index mailer.invitations_digest;

-- `next_attempt_at` is when the scheduler acts next: when the mail is due, or when the invitation expires if that is earlier or no mail follows.
-- A claim does not change it, so that claims are found with the index of what is due.
alter table mailer.invitations drop constraint invitations_due_check;
update mailer.invitations
set next_attempt_at = case when state = 'sending' then changed_at else least(next_attempt_at, expires_at) end
where state = 'sending' or state in ('scheduled', 'sent', 'delivered') and expires_at is not null and is_planned;
alter table mailer.invitations
  add constraint invitations_due_check check (
    case when next_attempt_at is null then state <> 'sending' else state in ('scheduled', 'sending', 'sent', 'delivered') end);

-- The people of one mail to an administrator.
create index invitations_digest on mailer.invitations (workspace_id, digest_id) where is_digest;

-- Space for the new version of a row on its page.
alter table mailer.invitations set (fillfactor = 75);
alter table mailer.users set (fillfactor = 90);

create or replace view mailer_read.invitations with (security_invoker = true) as
select
  workspace_id, id, user_id, state, reason, changed_at, created_at, sent_at,
  case
    when state in ('scheduled', 'sent', 'delivered') and (expires_at is null or next_attempt_at < expires_at) then next_attempt_at
  end as next_attempt_at,
  expires_at, letter, attempts, answer, is_digest
from mailer.invitations;
