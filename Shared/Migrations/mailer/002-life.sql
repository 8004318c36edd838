-- contract: drops columns and replaces the states of invitations
-- The whole life of an invitation: its states, each change of them with time and reason, as rows and as events; the workspace's policy and
-- templates; who is known to sign in.

-- All that a workspace says, so that what of it the mails need is not decided here.
alter table mailer.workspaces add column settings jsonb;
update mailer.workspaces
set settings = jsonb_build_object(
  'slug', '', 'name', name, 'plan', 'enterprise', 'samlSSO', true, 'scimEnabled', true, 'signInURL', sign_in_url, 'customRoles', '[]'::jsonb,
  'defaultRole', 'viewer', 'roleAttribute', 'secodaRole', 'connectionProfile', 'auto');
alter table mailer.workspaces
  alter column settings set not null,
  -- Counts the changes of its templates.
  add column templates bigint not null default 0,
  drop column name,
  drop column sign_in_url;

-- A workspace's own wording; what is null is as built in.
create table mailer.templates (
  workspace_id uuid not null,
  -- BCP 47 in lower case, or * for all languages without one of their own.
  language text not null,
  subject text,
  text text,
  html text,
  changed_at timestamptz not null,
  primary key (workspace_id, language)
);

-- Orders that were carried out: one that comes again is not.
create table mailer.orders (
  workspace_id uuid not null,
  id uuid not null,
  carried_out_at timestamptz not null,
  primary key (workspace_id, id)
);

-- By which a sign-in is known to be that of someone active: hashes of what it may come with, userName and address, without case.
alter table mailer.users
  add column name_key bytea,
  add column email_key bytea,
  add constraint users_keys check (state <> 'deleted' or num_nonnulls(name_key, email_key) = 0);
create index users_by_name on mailer.users (workspace_id, name_key) where name_key is not null;
create index users_by_email on mailer.users (workspace_id, email_key) where email_key is not null;

-- The latest sign-in by each of those that asked for no promotion, since whoever came with it was known to be active. Should it turn out
-- later that they were not any more, it is made up for.
create table mailer.skipped_sign_ins (
  workspace_id uuid not null,
  key bytea not null,
  signed_in_at timestamptz not null,
  primary key (workspace_id, key)
) with (fillfactor = 70);

alter table mailer.invitations
  drop constraint invitations_state_check,
  drop constraint invitations_sent_at;
drop index mailer.invitations_due;
alter table mailer.invitations
  alter column next_attempt_at drop not null,
  -- Which of its mails is due or under way, or was the last: 0 the invitation itself, from 1 on the reminders.
  add column letter int not null default 0,
  -- Of the mail that is tried: what is refused for now is given up after some time.
  add column first_tried_at timestamptz,
  -- Not before the workspace's policy is known.
  add column is_planned boolean not null default true,
  -- In a mail to the administrator, with others.
  add column is_digest boolean not null default false,
  -- Of that mail, from when it is first tried, so that it is the same mail each time.
  add column digest_id uuid,
  add column expires_at timestamptz,
  -- The process that is sending it, or was the last to.
  add column claimed_by text,
  -- Of the state.
  add column reason text not null default '',
  add column changed_at timestamptz not null default now();
update mailer.invitations
set
  state = case state when 'pending' then 'scheduled' when 'cancelled' then 'revoked' else state end,
  next_attempt_at = case state when 'pending' then next_attempt_at end,
  changed_at = coalesce(sent_at, created_at);
alter table mailer.invitations
  add constraint invitations_state_check check (
    state in ('scheduled', 'sending', 'sent', 'delivered', 'bounced', 'accepted', 'revoked', 'expired', 'failed')),
  add constraint invitations_due_check check (next_attempt_at is null or state in ('scheduled', 'sent', 'delivered'));

-- As the one before, and of what expires: they do not lead with the workspace, since the sending loop asks what is next wherever.
create index invitations_due on mailer.invitations (next_attempt_at) where next_attempt_at is not null;
create index invitations_expiring on mailer.invitations (expires_at)
where expires_at is not null and state in ('scheduled', 'sent', 'delivered');
create index invitations_sending on mailer.invitations (workspace_id) where state = 'sending';
create index invitations_digest on mailer.invitations (workspace_id, digest_id) where is_digest and state = 'scheduled';
create index invitations_unplanned on mailer.invitations (workspace_id) where not is_planned;

create table mailer.invitation_history (
  workspace_id uuid not null,
  invitation_id uuid not null,
  id bigint generated always as identity,
  at timestamptz not null,
  state text not null,
  reason text not null,
  primary key (workspace_id, invitation_id, id)
);
insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
select workspace_id, id, changed_at, state, 'as it was before histories were kept' from mailer.invitations;

-- Events on their way to Kafka; the relay publishes them in the order of id and deletes them.
create table mailer.outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key bytea not null,
  -- Names and values in turn.
  headers text[] not null,
  payload bytea not null,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Triggers, so that no state changes without being told: a row of the history, and an event of the same.
create function mailer.tell_state() returns trigger
language plpgsql as $$
declare
  told bigint;
  time text := to_char(new.changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
begin
  insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
  values (new.workspace_id, new.id, new.changed_at, new.state, new.reason)
  returning id into told;
  insert into mailer.outbox (topic, key, headers, payload)
  values (
    'invitation.events', convert_to(new.id::text, 'UTF8'),
    array[
      'ce_specversion', '1.0', 'ce_id', new.id || '/' || told, 'ce_source', 'invitation-mailer', 'ce_type',
      'rollcall.invitation.' || new.state || '.v1', 'ce_subject', new.id::text, 'ce_time', time, 'content-type', 'application/json',
      'ce_workspaceid', new.workspace_id::text
    ] || case when new.traceparent is null then '{}'::text[] else array['traceparent', new.traceparent] end,
    convert_to(
      jsonb_build_object(
        'workspace', new.workspace_id, 'invitation', new.id, 'user', new.user_id, 'state', new.state, 'reason', new.reason, 'changedAt',
        time)::text,
      'UTF8'));
  return null;
end
$$;

create trigger invitations_come after insert on mailer.invitations
for each row execute function mailer.tell_state();

create trigger invitations_change after update of state on mailer.invitations
for each row when (old.state <> new.state) execute function mailer.tell_state();

create schema mailer_read;

create view mailer_read.invitations as
select
  workspace_id, id, user_id, state, reason, changed_at, created_at, sent_at, next_attempt_at, expires_at, letter, attempts, answer, is_digest
from mailer.invitations;

create view mailer_read.invitation_history as
select workspace_id, invitation_id, id, at, state, reason from mailer.invitation_history;

create view mailer_read.templates as
select workspace_id, language, subject, text, html, changed_at from mailer.templates;

grant select, insert, update, delete on all tables in schema mailer to rollcall_mailer;
grant usage on all sequences in schema mailer to rollcall_mailer;
grant usage on schema mailer_read to rollcall_reader;
grant select on all tables in schema mailer_read to rollcall_reader;
