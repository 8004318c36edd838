-- expand
-- When people last signed in, for the admin console. What is remembered of the sign-ins that asked for no promotion says so, by hashes of
-- what they came with; it is kept for longer than it is needed for promotions, and goes with the person.

-- The hash by which a person's sign-ins are remembered: of an address, a userName or the id, each in lower case. See SignInKey.
create function mailer_read.sign_in_key(workspace uuid, name text) returns bytea
language sql immutable parallel safe
return substring(sha256(convert_to(workspace::text || ' ' || name, 'UTF8')) for 16);

create view mailer_read.sign_ins with (security_invoker = true) as
select workspace_id, key, signed_in_at from mailer.skipped_sign_ins;

-- As identity/008.
alter table mailer.skipped_sign_ins enable row level security;
create policy mailer on mailer.skipped_sign_ins for all to rollcall_mailer using (true) with check (true);
create policy operator on mailer.skipped_sign_ins for select to rollcall_operator using (true);
create policy workspace on mailer.skipped_sign_ins for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select on mailer.skipped_sign_ins to rollcall_reader, rollcall_operator;
grant select on mailer_read.sign_ins to rollcall_reader, rollcall_operator;
