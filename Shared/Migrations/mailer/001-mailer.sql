-- expand
-- What invitation-mailer owns: whom it has to invite, and what became of each invitation. Everything here follows from
-- identity.events; nobody else writes here. The role is made by identity/001.

create schema mailer;

-- What an invitation says of its workspace.
create table mailer.workspaces (
  workspace_id uuid not null primary key,
  name text not null,
  sign_in_url text not null,
  -- Of the last event; an event that is not newer changes nothing. So for users.
  version bigint not null
);

-- Every user that an event told of, with personal data only while invited. A deleted user's row stays, without any: an old event that
-- comes again must not bring the person back.
create table mailer.users (
  workspace_id uuid not null,
  user_id uuid not null,
  version bigint not null,
  state text not null check (state in ('invited', 'active', 'disabled', 'deleted')),
  email text,
  given_name text,
  display_name text,
  language text,
  primary key (workspace_id, user_id),
  constraint users_personal_data check (state = 'invited' or num_nonnulls(email, given_name, display_name, language) = 0)
);

create table mailer.invitations (
  workspace_id uuid not null,
  -- Derived from workspace, user and version: the same event makes the same invitation.
  id uuid not null,
  user_id uuid not null,
  -- Of the user, when they became invited.
  user_version bigint not null,
  state text not null check (state in ('pending', 'sent', 'failed', 'cancelled')),
  -- How often the mail server was asked to take it.
  attempts int not null default 0,
  next_attempt_at timestamptz not null,
  -- The server's last answer, or why there was none.
  answer text,
  -- Of the event, W3C Trace Context.
  traceparent text,
  created_at timestamptz not null,
  sent_at timestamptz,
  primary key (workspace_id, id),
  constraint invitations_sent_at check ((state = 'sent') = (sent_at is not null))
);

create index invitations_by_user on mailer.invitations (workspace_id, user_id);

-- The one index that does not lead with the workspace: the sending loop asks what is due next, wherever. It is not unique, so it may be
-- distributed all the same, and holds only what is still to be sent.
create index invitations_due on mailer.invitations (next_attempt_at) where state = 'pending';

grant usage on schema mailer to rollcall_mailer;
grant select, insert, update, delete on all tables in schema mailer to rollcall_mailer;
