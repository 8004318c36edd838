-- expand
-- What the admin console lists people by: their states, counted; their names, in order; and what a search begins with.

-- What a person is called, without case, as lists are ordered by it; and the family name, to be found by. By code points, whatever locale
-- the database was made with, so that a beginning is a range.
alter table identity.users
  add column name_key text collate "C" not null generated always as (
    left(identity_read.fold(coalesce(nullif(display_name, ''), given_name || ' ' || family_name, given_name, family_name, user_name)), 200)
  ) stored,
  add column family_name_key text collate "C" generated always as (left(identity_read.fold(nullif(family_name, '')), 200)) stored;

-- The state leads, so that however few of many are in one, a page of them is read in order and a search looks at no others.
create index users_by_name on identity.users (workspace_id, state, name_key, id);
create index users_by_family_name on identity.users (workspace_id, state, family_name_key) where family_name_key is not null;
create index users_by_user_name_start on identity.users (workspace_id, state, user_name_key collate "C");
-- With most people the address is the userName.
create index users_by_email_start on identity.users (workspace_id, state, email_key collate "C")
where email_key is distinct from user_name_key;

-- CREATE OR REPLACE VIEW forgets what it is not told.
create or replace view identity_read.users with (security_invoker = true) as
select
  workspace_id, id, user_name, user_name_key, user_name_hash, external_id, display_name, given_name, family_name, email, email_key, language,
  state, role, first_signed_in_at, version, created_at, modified_at, document, other_email_keys,
  display_name_key, name_key, family_name_key
from identity.users;

-- How many people of each state a workspace has, kept as identity.totals are: several rows, whose sum it is. One row holds all three,
-- since a transaction that moves people from one to the other would wait for two.
create table identity.state_totals (
  workspace_id uuid not null,
  part int not null,
  invited bigint not null,
  active bigint not null,
  disabled bigint not null,
  primary key (workspace_id, part)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

insert into identity.state_totals (workspace_id, part, invited, active, disabled)
select
  workspace_id, 0, count(*) filter (where state = 'invited'), count(*) filter (where state = 'active'),
  count(*) filter (where state = 'disabled')
from identity.users
group by workspace_id;

create function identity.count_states() returns trigger
language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into identity.state_totals as t (workspace_id, part, invited, active, disabled)
    select
      workspace_id, pg_backend_pid() % 32, count(*) filter (where state = 'invited'), count(*) filter (where state = 'active'),
      count(*) filter (where state = 'disabled')
    from come
    group by workspace_id
    order by workspace_id
    on conflict (workspace_id, part) do update
    set invited = t.invited + excluded.invited, active = t.active + excluded.active, disabled = t.disabled + excluded.disabled;
  elsif tg_op = 'DELETE' then
    insert into identity.state_totals as t (workspace_id, part, invited, active, disabled)
    select
      workspace_id, pg_backend_pid() % 32, -count(*) filter (where state = 'invited'), -count(*) filter (where state = 'active'),
      -count(*) filter (where state = 'disabled')
    from gone
    group by workspace_id
    order by workspace_id
    on conflict (workspace_id, part) do update
    set invited = t.invited + excluded.invited, active = t.active + excluded.active, disabled = t.disabled + excluded.disabled;
  else
    insert into identity.state_totals as t (workspace_id, part, invited, active, disabled)
    select
      workspace_id, pg_backend_pid() % 32, coalesce(sum(by) filter (where state = 'invited'), 0),
      coalesce(sum(by) filter (where state = 'active'), 0), coalesce(sum(by) filter (where state = 'disabled'), 0)
    from (select workspace_id, state, 1 as by from come union all select workspace_id, state, -1 from gone) moved
    group by workspace_id
    -- Most changes leave everybody in their state.
    having sum(by) filter (where state = 'invited') <> 0
      or sum(by) filter (where state = 'active') <> 0
      or sum(by) filter (where state = 'disabled') <> 0
    order by workspace_id
    on conflict (workspace_id, part) do update
    set invited = t.invited + excluded.invited, active = t.active + excluded.active, disabled = t.disabled + excluded.disabled;
  end if;
  return null;
end
$$;

create trigger users_come_in_states after insert on identity.users
referencing new table as come
for each statement execute function identity.count_states();

create trigger users_go_from_states after delete on identity.users
referencing old table as gone
for each statement execute function identity.count_states();

create trigger users_change_states after update on identity.users
referencing old table as gone new table as come
for each statement execute function identity.count_states();

create view identity_read.state_totals with (security_invoker = true) as
select workspace_id, sum(invited)::bigint as invited, sum(active)::bigint as active, sum(disabled)::bigint as disabled
from identity.state_totals
group by workspace_id;

-- As identity/008.
alter table identity.state_totals enable row level security;
create policy store on identity.state_totals for all to rollcall_store using (true) with check (true);
create policy operator on identity.state_totals for select to rollcall_operator using (true);
create policy workspace on identity.state_totals for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select, insert, update on identity.state_totals to rollcall_store;
grant select on identity.state_totals to rollcall_reader, rollcall_operator;
grant select on identity_read.state_totals to rollcall_reader, rollcall_operator;
