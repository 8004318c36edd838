-- contract: replaces the triggers that compute keys
-- One comparison key for user names, addresses and group names. The services compute it (ComparisonKey) and identity-store stores it; SQL
-- computes it only for what has no column of its own, in filters over the documents.

-- identity_read.folded(text) is FoldedText.folded: NFC, then Unicode's simple lower case, then NFC again. Characters that are newer than
-- Unicode 14, the version of PostgreSQL 15, are left as they are, whatever version the server has. identity_read.comparison_key(text) trims
-- as ComparisonKey does.
do $do$
declare
  newer text;
begin
  -- Of the newer characters those that have a lower case, a combining class, a decomposition, or a part in a composition.
  select string_agg(chr(code), '' order by code)
  into strict newer
  from (
    values
      (2199, 2199), (6863, 6877), (6880, 6891), (7305, 7305), (42955, 42956), (42958, 42958), (42962, 42962), (42964, 42964), (42970,
      42970), (42972, 42972), (67017, 67017), (67026, 67026), (67034, 67034), (67044, 67044), (68944, 68965), (68969, 68973), (69370, 69371),
      (69373, 69375), (70530, 70533), (70539, 70539), (70542, 70542), (70544, 70545), (70584, 70584), (70587, 70587), (70594, 70594), (70597,
      70597), (70599, 70601), (70606, 70608), (73537, 73538), (90398, 90409), (90415, 90415), (93539, 93539), (93543, 93546), (93856, 93880),
      (123023, 123023), (124140, 124143), (124398, 124399), (124643, 124643), (124646, 124646), (124654, 124655), (124661, 124661)
  ) as ranges (first, last), generate_series(first, last) as code;
  -- No SQL functions, and apart, so that what is planned for every use stays small, and nothing is normalised more than once.
  execute
    $function$
      create function identity_read.folded_known(value text) returns text
      language plpgsql immutable parallel safe as $$
      declare
        composed text := translate(normalize(value, nfc), chr(304), 'i');
      begin
        return normalize(identity_read.fold(composed), nfc);
      end
      $$
    $function$;
  execute format(
    $function$
      create function identity_read.folded_apart(value text) returns text
      language plpgsql immutable parallel safe as $$
      begin
        return (
          select string_agg(case when part[1] ~ %1$L then part[1] else identity_read.folded_known(part[1]) end, '' order by place)
          from regexp_matches(value, %2$L, 'g') with ordinality as parts (part, place)
        );
      end
      $$
    $function$,
    '[' || newer || ']', '[' || newer || ']+|[^' || newer || ']+');
  execute format(
    $function$
      create function identity_read.folded(value text) returns text
      language sql immutable parallel safe
      return case
        when octet_length(value) = length(value) then lower(value collate "C")
        when value collate "C" !~ %L then identity_read.folded_known(value) collate "C"
        else identity_read.folded_apart(value) collate "C"
      end
    $function$,
    '[' || newer || ']');
end
$do$;

create function identity_read.comparison_key(value text) returns text
language sql immutable parallel safe
return identity_read.folded(
  btrim(
    value,
    U&'\0009\000A\000B\000C\000D\0020\0085\00A0\1680\180E\2000\2001\2002\2003\2004\2005\2006\2007\2008\2009\200A\200B\200C\200D\200E\200F'
    || U&'\2028\2029\202F\205F\2060\3000\FEFF'));

-- The version of a row whose keys are those of the row: what writes a row and leaves this as it was, as a build from before does, has
-- computed other keys.
alter table identity.users add column keyed_version bigint;
alter table identity.groups add column keyed_version bigint;

-- The keyed hash of the userName as it was compared before, where that differs: finds the live user that has the name of one who was deleted
-- then.
alter table identity.users add column former_name_hash bytea;
create index users_by_former_name_hash on identity.users (workspace_id, former_name_hash) where former_name_hash is not null;

create view identity_read.former_name_hashes with (security_invoker = true) as
select workspace_id, id, former_name_hash
from identity.users
where former_name_hash is not null;

-- The version of ComparisonKey that all keys of the workspace were last checked for; null for none.
alter table identity.workspaces add column key_version bigint;

-- Rows whose keys identity-store has to compute, and those whose key another row has: these have a key that nothing is looked up by.
create table identity.outdated_keys (
  workspace_id uuid not null,
  type text not null check (type in ('User', 'Group')),
  id uuid not null,
  -- The row that has the key.
  conflicting_id uuid,
  checked_at timestamptz,
  primary key (workspace_id, type, id)
);

create view identity_read.outdated_keys with (security_invoker = true) as
select workspace_id, type, id, conflicting_id, checked_at from identity.outdated_keys;

-- As identity/008.
alter table identity.outdated_keys enable row level security;
create policy store on identity.outdated_keys for all to rollcall_store using (true) with check (true);
create policy operator on identity.outdated_keys for select to rollcall_operator using (true);
create policy workspace on identity.outdated_keys for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select, insert, update, delete on identity.outdated_keys to rollcall_store;
grant select on identity.outdated_keys to rollcall_reader, rollcall_operator;
grant select on identity_read.outdated_keys, identity_read.former_name_hashes to rollcall_reader, rollcall_operator;

-- identity-store writes the keys that people are listed and found by; for a build that does not, this does, and has them computed again.
create or replace function identity.key_names() returns trigger
language plpgsql as $$
begin
  new.display_name_key := left(identity_read.fold(new.display_name), 200);
  new.name_key := left(
    identity_read.fold(
      coalesce(
        nullif(new.display_name, ''), new.given_name || ' ' || new.family_name, new.given_name, new.family_name, new.user_name)),
    200);
  new.family_name_key := left(identity_read.fold(nullif(new.family_name, '')), 200);
  insert into identity.outdated_keys (workspace_id, type, id)
  values (new.workspace_id, 'User', new.id)
  on conflict (workspace_id, type, id) do nothing;
  return new;
end
$$;

drop trigger users_key_names on identity.users;
create trigger users_key_names before insert or update on identity.users
for each row when (new.keyed_version is distinct from new.version) execute function identity.key_names();
-- In whatever way rows are written, as generated columns are.
alter table identity.users enable always trigger users_key_names;

create function identity.note_group_key() returns trigger
language plpgsql as $$
begin
  insert into identity.outdated_keys (workspace_id, type, id)
  values (new.workspace_id, 'Group', new.id)
  on conflict (workspace_id, type, id) do nothing;
  return new;
end
$$;

create trigger groups_key_names before insert or update on identity.groups
for each row when (new.keyed_version is distinct from new.version) execute function identity.note_group_key();
