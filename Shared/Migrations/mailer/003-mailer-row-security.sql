-- expand
-- As identity/008: whoever reads for the edge sees the rows of the workspace in force, the operator all.

do $$
declare
  secured text;
begin
  foreach secured in array array['invitations', 'invitation_history', 'templates'] loop
    execute format('alter table mailer.%I enable row level security', secured);
    execute format('create policy mailer on mailer.%I for all to rollcall_mailer using (true) with check (true)', secured);
    execute format('create policy operator on mailer.%I for select to rollcall_operator using (true)', secured);
    execute format(
      $policy$
        create policy workspace on mailer.%I for select to rollcall_reader
        using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid))
      $policy$,
      secured);
    -- No usage of the schema: the tables are reached through the views alone.
    execute format('grant select on mailer.%I to rollcall_reader, rollcall_operator', secured);
    execute format('alter view mailer_read.%I set (security_invoker = true)', secured);
  end loop;
end
$$;

grant usage on schema mailer_read to rollcall_operator;
grant select on all tables in schema mailer_read to rollcall_operator;
