-- expand
-- Erasure of what remains of a deleted user; see identity/026.

-- Events keep their id, type, sequence and time, and the id and the version of the member, so that sequences have no gaps.
create function directory.erase_person(the_workspace uuid, the_user uuid) returns json
language plpgsql security definer set search_path = pg_catalog as $$
declare
  events bigint;
  deliveries bigint;
  letters bigint;
begin
  update directory.events e
  set data = json_strip_nulls(json_build_object(
    'changedAt', e.data::json ->> 'changedAt',
    'member', json_build_object('id', the_user, 'version', (e.data::json -> 'member' ->> 'version')::bigint),
    'reason', e.data::json ->> 'reason', 'sequence', e.sequence, 'type', e.type, 'workspace', e.workspace_id))::text
  where e.workspace_id = the_workspace
  and e.type not like 'group.%'
  and e.data::json -> 'member' ->> 'id' = the_user::text;
  get diagnostics events = row_count;
  update directory.webhook_deliveries d
  set response_head = null, response_body = null
  where d.workspace_id = the_workspace
  and d.event_id like the_user || '/%'
  and (d.response_head is not null or d.response_body is not null);
  get diagnostics deliveries = row_count;
  update directory.members m
  set email = null, display_name = null, role = null, document = null
  where m.workspace_id = the_workspace and m.id = the_user and m.state = 'deleted';
  delete from directory.dead_letters d where position(convert_to(the_user::text, 'UTF8') in d.payload) > 0;
  get diagnostics letters = row_count;
  return json_build_object('events', events, 'deliveries', deliveries, 'deadLetters', letters);
end
$$;
revoke all on function directory.erase_person(uuid, uuid) from public;
