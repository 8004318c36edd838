-- expand
-- Erasure of what remains of a deleted user; see identity/026.

create function mailer.erase_person(the_workspace uuid, the_user uuid) returns json
language plpgsql security definer set search_path = pg_catalog as $$
declare
  invitations bigint;
  letters bigint;
begin
  update mailer.invitation_history h
  set reason = ''
  from mailer.invitations i
  where i.workspace_id = the_workspace and i.user_id = the_user
  and h.workspace_id = the_workspace and h.invitation_id = i.id and h.reason <> '';
  -- The answer of a mail server names the address.
  update mailer.invitations i set answer = null, reason = '' where i.workspace_id = the_workspace and i.user_id = the_user;
  get diagnostics invitations = row_count;
  update mailer.users u
  set email = null, given_name = null, display_name = null, language = null
  where u.workspace_id = the_workspace and u.user_id = the_user and u.state = 'deleted';
  update mailer.held_changes h set name = null where h.workspace_id = the_workspace and h.resource_id = the_user;
  delete from mailer.dead_letters d where position(convert_to(the_user::text, 'UTF8') in d.payload) > 0;
  get diagnostics letters = row_count;
  return json_build_object('invitations', invitations, 'deadLetters', letters);
end
$$;
revoke all on function mailer.erase_person(uuid, uuid) from public;
