-- contract: drops triggers and generated columns
-- What a write of users costs beside the rows themselves.

-- The names that people are listed and found by, as before, but set by a trigger: PostgreSQL plans the expression of a generated column
-- anew with every statement, which takes longer than to insert the row.
alter table identity.users
  alter column display_name_key drop expression,
  alter column name_key drop expression,
  alter column family_name_key drop expression;

create function identity.key_names() returns trigger
language plpgsql as $$
begin
  new.display_name_key := left(identity_read.fold(new.display_name), 200);
  new.name_key := left(
    identity_read.fold(
      coalesce(
        nullif(new.display_name, ''), new.given_name || ' ' || new.family_name, new.given_name, new.family_name, new.user_name)),
    200);
  new.family_name_key := left(identity_read.fold(nullif(new.family_name, '')), 200);
  return new;
end
$$;

grant usage on schema identity_read to rollcall_store;

create trigger users_key_names before insert or update on identity.users
for each row execute function identity.key_names();
-- In whatever way rows are written, as generated columns are.
alter table identity.users enable always trigger users_key_names;

-- How many users a workspace has is the sum of how many there are in each state, and is counted once.
drop trigger users_come on identity.users;
drop trigger users_go on identity.users;
delete from identity.totals where type = 'User';
alter table identity.totals drop constraint totals_type_check, add constraint totals_type_check check (type = 'Group');

-- CREATE OR REPLACE VIEW forgets what it is not told.
create or replace view identity_read.totals with (security_invoker = true) as
select workspace_id, type, sum(total)::bigint as total
from identity.totals
group by workspace_id, type
union all
select workspace_id, 'User', sum(invited + active + disabled)::bigint
from identity.state_totals
group by workspace_id;
