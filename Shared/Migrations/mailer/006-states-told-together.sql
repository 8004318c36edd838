-- contract: replaces the triggers that publish states
-- The changes of state of one statement are told together, as each costs more by itself than a dozen do. What is told is what
-- mailer.tell_state told, which this replaces.

-- The event of a change of state, `told` being its row in the history. It returns a table so that it is planned into the statement that
-- calls it.
create function mailer.state_event(
  workspace uuid, invitation uuid, person uuid, state text, reason text, changed_at timestamptz, traceparent text, told bigint)
returns table (topic text, key bytea, headers text[], payload bytea)
language sql stable rows 1 as $$
  select
    'invitation.events', convert_to(invitation::text, 'UTF8'),
    array[
      'ce_specversion', '1.0', 'ce_id', invitation || '/' || told, 'ce_source', 'invitation-mailer', 'ce_type',
      'rollcall.invitation.' || state || '.v1', 'ce_subject', invitation::text, 'ce_time', moment, 'content-type', 'application/json',
      'ce_workspaceid', workspace::text
    ] || case when traceparent is null then '{}'::text[] else array['traceparent', traceparent] end,
    convert_to(
      jsonb_build_object(
        'workspace', workspace, 'invitation', invitation, 'user', person, 'state', state, 'reason', reason, 'changedAt', moment)::text,
      'UTF8')
  from (select to_char(changed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as t (moment)
$$;

create function mailer.tell_states() returns trigger
language plpgsql
-- The connections' settings keep the planner to look-ups by key, of which there are none in what a statement changed: row by row it would
-- compare all that was with all that is.
set enable_nestloop = off
set enable_hashjoin = on
as $$
declare
  changed mailer.invitations[];
begin
  if tg_op = 'INSERT' then
    changed := array(select c::mailer.invitations from come c);
  else
    changed := array(
      select c::mailer.invitations
      from come c
      join gone g on g.workspace_id = c.workspace_id and g.id = c.id
      where c.state <> g.state);
  end if;
  with told as (
    insert into mailer.invitation_history (workspace_id, invitation_id, at, state, reason)
    select workspace_id, id, changed_at, state, reason
    from unnest(changed)
    returning workspace_id, invitation_id, id
  )
  insert into mailer.outbox (topic, key, headers, payload)
  select e.topic, e.key, e.headers, e.payload
  from unnest(changed) c
  join told t on t.workspace_id = c.workspace_id and t.invitation_id = c.id
  cross join lateral mailer.state_event(c.workspace_id, c.id, c.user_id, c.state, c.reason, c.changed_at, c.traceparent, t.id) e
  order by t.id;
  return null;
end
$$;

drop trigger invitations_come on mailer.invitations;
drop trigger invitations_change on mailer.invitations;
drop function mailer.tell_state();

create trigger invitations_come after insert on mailer.invitations
referencing new table as come
for each statement execute function mailer.tell_states();

create trigger invitations_change after update on mailer.invitations
referencing old table as gone new table as come
for each statement execute function mailer.tell_states();
