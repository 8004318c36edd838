-- expand
-- Mails to administrators about changes that wait for approval, and what is known of the time before this database.

-- When it was begun: whoever was created later, and is not known here, was mailed by nobody.
create table mailer.origin (
  is_only boolean not null primary key default true check (is_only),
  begun_at timestamptz not null
);
insert into mailer.origin (begun_at)
select least(now(), min(created_at)) from mailer.invitations;

-- Every held change that an event told of: one that comes again is known by it.
create table mailer.held_changes (
  workspace_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('members-removed', 'user-disabled', 'user-deleted')),
  resource_id uuid not null,
  -- Of the group or the user; null once the mail is out, and where the user is deleted.
  name text,
  leaving bigint not null,
  -- Of the group; null for a user.
  members bigint,
  held_at timestamptz not null,
  noted_at timestamptz not null,
  -- The mail that it is in; null until there is one.
  notice_id uuid,
  primary key (workspace_id, id)
);

create index held_changes_by_resource on mailer.held_changes (workspace_id, resource_id);
create index held_changes_by_notice on mailer.held_changes (workspace_id, notice_id);
-- They do not lead with the workspace, since the sending loop asks what is next wherever.
create index held_changes_untold on mailer.held_changes (noted_at) where notice_id is null;

create table mailer.notices (
  workspace_id uuid not null,
  -- Also the mail's: it is the same mail each time.
  id uuid not null,
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
  constraint notices_due_check check ((next_attempt_at is not null) = (state = 'scheduled'))
);

create index notices_by_time on mailer.notices (workspace_id, made_at);
create index notices_due on mailer.notices (next_attempt_at) where next_attempt_at is not null;
create index notices_sending on mailer.notices (workspace_id) where state = 'sending';

grant select, insert, update, delete on mailer.held_changes, mailer.notices to rollcall_mailer;
grant select on mailer.origin to rollcall_mailer;

-- Whether an administrator was told of a held change.
create view mailer_read.held_changes as
select h.workspace_id, h.id, h.noted_at, n.state, n.answer, n.changed_at, n.sent_at
from mailer.held_changes h
left join mailer.notices n on n.workspace_id = h.workspace_id and n.id = h.notice_id;

create view mailer_read.origin as
select begun_at from mailer.origin;

-- As in 003.
do $$
declare
  secured text;
begin
  foreach secured in array array['held_changes', 'notices'] loop
    execute format('alter table mailer.%I enable row level security', secured);
    execute format('create policy mailer on mailer.%I for all to rollcall_mailer using (true) with check (true)', secured);
    execute format('create policy operator on mailer.%I for select to rollcall_operator using (true)', secured);
    execute format(
      $policy$
        create policy workspace on mailer.%I for select to rollcall_reader
        using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured);
    execute format('grant select on mailer.%I to rollcall_reader, rollcall_operator', secured);
  end loop;
end
$$;

alter view mailer_read.held_changes set (security_invoker = true);
grant select on mailer_read.held_changes to rollcall_reader, rollcall_operator;
grant select on mailer_read.origin to rollcall_operator;
