-- expand
-- Accounts that the product had before the identity provider pushed their owners, their imports, and verified mail domains.

-- Whether a workspace has accounts: without any, no batch looks for them.
alter table identity.workspaces add column has_accounts boolean not null default false;

-- The product's id of the account that a user is linked to.
alter table identity.users add column account_id text;

create table identity.accounts (
  workspace_id uuid not null references identity.workspaces (id),
  -- The product's id.
  account_id text collate "C" not null,
  email text not null,
  email_key text collate "C" not null,
  external_id text collate "C",
  state text not null check (state in ('active', 'disabled')),
  -- The user that is linked to the account.
  user_id uuid,
  imported_at timestamptz not null,
  primary key (workspace_id, account_id)
);

create unique index accounts_by_email on identity.accounts (workspace_id, email_key);
create unique index accounts_by_external_id on identity.accounts (workspace_id, external_id) where external_id is not null;
create index accounts_unlinked on identity.accounts (workspace_id, account_id) where user_id is null;

-- Imports of accounts, from the first staged part on.
create table identity.account_imports (
  workspace_id uuid not null references identity.workspaces (id),
  id uuid not null,
  status text not null check (status in ('staging', 'waiting', 'applying', 'done', 'failed')),
  created_by text not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  -- The number of staged lines, once it is complete.
  lines bigint,
  -- The last line that is applied.
  position bigint not null default 0,
  -- The number of existing users that were linked.
  linked bigint not null default 0,
  -- What keeps a failed import from being applied: a JSON array of objects with line and detail.
  errors text,
  -- The process that applies it, and until when the claim holds without renewal.
  claimed_by text,
  claimed_until timestamptz,
  primary key (workspace_id, id)
);

create index account_imports_waiting on identity.account_imports (workspace_id, started_at) where status in ('waiting', 'applying');

-- The lines of imports until they are applied.
create table identity.account_import_lines (
  workspace_id uuid not null,
  import_id uuid not null,
  line bigint not null,
  account_id text collate "C" not null,
  email text not null,
  email_key text collate "C" not null,
  external_id text collate "C",
  state text not null check (state in ('active', 'disabled', 'deleted')),
  primary key (workspace_id, import_id, line)
);

-- Mail domains that are verified, each in one workspace of the deployment.
create table identity.mail_domains (
  domain text primary key,
  workspace_id uuid not null references identity.workspaces (id)
);

create index mail_domains_by_workspace on identity.mail_domains (workspace_id);

-- Users who wait to be enabled, or to get another address: this build checks the kinds itself.
alter table identity.held_changes
  drop constraint if exists held_changes_kind_check,
  -- The user with the addresses that wait; null for other kinds, and once decided.
  add column document text;

-- CREATE OR REPLACE VIEW forgets what it is not told.
create or replace view identity_read.users with (security_invoker = true) as
select
  workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key, language,
  state, role, first_signed_in_at, version, created_at, modified_at, document, other_email_keys,
  display_name_key, name_key, family_name_key, account_id
from identity.users;

create view identity_read.accounts with (security_invoker = true) as
select workspace_id, account_id, email, email_key, external_id, state, user_id, imported_at
from identity.accounts;

create view identity_read.account_imports with (security_invoker = true) as
select workspace_id, id, status, created_by, created_at, started_at, finished_at, lines, position, linked, errors
from identity.account_imports;

-- As identity/008.
do $$
declare
  kept text;
begin
  foreach kept in array array['accounts', 'account_imports', 'account_import_lines', 'mail_domains'] loop
    execute format('alter table identity.%I enable row level security', kept);
    execute format('create policy store on identity.%I for all to rollcall_store using (true) with check (true)', kept);
    execute format('grant select, insert, update, delete on identity.%I to rollcall_store', kept);
  end loop;
  foreach kept in array array['accounts', 'account_imports'] loop
    execute format('create policy operator on identity.%I for select to rollcall_operator using (true)', kept);
    execute format(
      $policy$
        create policy workspace on identity.%I for select to rollcall_reader
        using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      kept);
    execute format('grant select on identity.%I, identity_read.%I to rollcall_reader, rollcall_operator', kept, kept);
  end loop;
end
$$;

comment on index identity.accounts_pkey is 'Accounts that a batch touches, by the product''s id; list of accounts, and of linked ones';
comment on index identity.accounts_by_email is 'Accounts with the addresses that a batch touches, and with those of an import; unique address';
comment on index identity.accounts_by_external_id is 'Accounts with the external ids that a batch touches, and with those of an import; unique external id';
comment on index identity.accounts_unlinked is 'List of accounts that the identity provider never pushed';
comment on index identity.account_imports_pkey is 'An import by id';
comment on index identity.account_imports_waiting is 'The next import to apply';
comment on index identity.account_import_lines_pkey is 'Lines of an import in order; lines that are staged twice';
comment on index identity.mail_domains_pkey is 'The workspace of a mail domain; unique domain';
comment on index identity.mail_domains_by_workspace is 'Mail domains of a workspace whose domains are changed';
