-- expand
-- Mails to administrators about single events, such as a webhook endpoint that was disabled because deliveries failed.

create table mailer.alerts (
  -- The nil UUID for an alert of the whole deployment.
  workspace_id uuid not null,
  -- Derived from the event, so that one that comes again is known by it; also the mail's.
  id uuid not null,
  kind text not null,
  -- What the mail says, in JSON.
  details text not null,
  state text not null check (state in ('scheduled', 'sending', 'sent', 'bounced', 'failed')),
  next_attempt_at timestamptz,
  -- How often the mail server was asked to take it, and when first.
  attempts int not null default 0,
  first_tried_at timestamptz,
  -- The process that is sending it, or was the last to.
  claimed_by text,
  -- The server's last answer, or why there was none.
  answer text,
  made_at timestamptz not null,
  changed_at timestamptz not null,
  sent_at timestamptz,
  primary key (workspace_id, id),
  constraint alerts_due_check check ((next_attempt_at is not null) = (state = 'scheduled'))
);

-- It does not lead with the workspace, since the sending loop asks what is next wherever.
create index alerts_due on mailer.alerts (next_attempt_at) where next_attempt_at is not null;
create index alerts_sending on mailer.alerts (workspace_id) where state = 'sending';

grant select, insert, update, delete on mailer.alerts to rollcall_mailer;

-- As in 003.
alter table mailer.alerts enable row level security;
create policy mailer on mailer.alerts for all to rollcall_mailer using (true) with check (true);
create policy operator on mailer.alerts for select to rollcall_operator using (true);
create policy workspace on mailer.alerts for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select on mailer.alerts to rollcall_reader, rollcall_operator;

-- Whether an administrator was told.
create view mailer_read.alerts with (security_invoker = true) as
select workspace_id, id, kind, details, state, answer, made_at, changed_at, sent_at
from mailer.alerts;

grant select on mailer_read.alerts to rollcall_reader, rollcall_operator;
