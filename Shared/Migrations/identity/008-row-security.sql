-- expand
-- The second lock between workspaces: whoever reads for the edge sees the rows of one workspace, the one that is in force for the
-- statement (the setting rollcall.workspace, told by the edge together with each statement), and without one no row at all. The first
-- lock is in the statements, each of which names the workspace.

do $$
begin
  if not exists (select from pg_roles where rolname = 'rollcall_operator') then
    create role rollcall_operator nologin;
  end if;
exception
  -- Another database of the same cluster is being migrated at this moment.
  when duplicate_object or unique_violation then null;
end
$$;

-- Views are read with the rights of who reads, so that the tables' policies hold for them; the operator, who sees all, has a role apart.
do $$
declare
  secured record;
begin
  for secured in
    select *
    from (
      values
        ('workspaces', 'id'), ('tokens', 'workspace_id'), ('users', 'workspace_id'), ('groups', 'workspace_id'),
        ('memberships', 'workspace_id'), ('replies', 'workspace_id'), ('tombstones', 'workspace_id'), ('totals', 'workspace_id'),
        ('token_uses', 'workspace_id'), ('provisioning_log', 'workspace_id'), ('audit', 'workspace_id'), ('held_changes', 'workspace_id')
    ) t (name, workspace)
  loop
    execute format('alter table identity.%I enable row level security', secured.name);
    execute format('create policy store on identity.%I for all to rollcall_store using (true) with check (true)', secured.name);
    execute format('create policy operator on identity.%I for select to rollcall_operator using (true)', secured.name);
    -- In parentheses it is looked up once for a statement and not for each row. A setting that was made for another transaction is empty.
    execute format(
      $policy$
        create policy workspace on identity.%I for select to rollcall_reader
        using (%I = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured.name, secured.workspace);
    -- No usage of the schema: the tables are reached through the views alone.
    execute format('grant select on identity.%I to rollcall_reader, rollcall_operator', secured.name);
    execute format('alter view identity_read.%I set (security_invoker = true)', secured.name);
  end loop;
end
$$;

grant usage on schema identity_read to rollcall_operator;
grant select on all tables in schema identity_read to rollcall_operator;

-- What is left in schema identity is for the store alone: policies without any for the others shut them out, whatever is granted later.
do $$
declare
  kept text;
begin
  foreach kept in array array['early_sign_ins', 'outbox', 'deactivations'] loop
    execute format('alter table identity.%I enable row level security', kept);
    execute format('create policy store on identity.%I for all to rollcall_store using (true) with check (true)', kept);
  end loop;
end
$$;

-- The users of the workspace in force who have one of these addresses beside their first. A function of the owner's, since PostgreSQL
-- searches no index by @> ahead of a policy: the operator might tell of rows that are not to be seen. It says what the policy says, as text,
-- so that no plan prefers an index that leads with the workspace id.
create function identity_read.users_by_other_email(keys text[]) returns setof uuid
language sql stable security definer parallel safe rows 1
begin atomic
  select u.id
  from identity.users u
  where u.workspace_id::text = current_setting('rollcall.workspace', true)
  and u.other_email_keys @> keys;
end;

revoke all on function identity_read.users_by_other_email(text[]) from public;
grant execute on function identity_read.users_by_other_email(text[]) to rollcall_reader;
