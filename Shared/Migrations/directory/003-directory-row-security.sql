-- expand
-- As identity/008: whoever reads for the edge sees the rows of the workspace in force, the operator all.

do $$
declare
  secured text;
begin
  foreach secured in array array['members', 'groups', 'memberships', 'receipts'] loop
    execute format('alter table directory.%I enable row level security', secured);
    execute format('create policy directory on directory.%I for all to rollcall_directory using (true) with check (true)', secured);
    execute format('create policy operator on directory.%I for select to rollcall_operator using (true)', secured);
    execute format(
      $policy$
        create policy workspace on directory.%I for select to rollcall_reader
        using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured);
    -- No usage of the schema: the tables are reached through the views alone.
    execute format('grant select on directory.%I to rollcall_reader, rollcall_operator', secured);
  end loop;
  foreach secured in array array['members', 'groups', 'memberships', 'group_members', 'receipts'] loop
    execute format('alter view directory_read.%I set (security_invoker = true)', secured);
  end loop;
end
$$;

grant usage on schema directory_read to rollcall_operator;
grant select on all tables in schema directory_read to rollcall_operator;
