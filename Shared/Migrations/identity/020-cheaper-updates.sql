-- Updates of users and groups without writes to indexes: no index has a column that every update changes. And fewer indexes on users.
-- ops/docs/indexes.md lists the indexes of this schema with the queries that need them.

-- When each user and group was last modified, one row each: filters and sort orders by meta.lastModified read this instead of an index of
-- the resources, which would keep their updates from being HOT (heap-only tuples).
create table identity.modifications (
  workspace_id uuid not null,
  type text not null check (type in ('User', 'Group')),
  modified_at timestamptz not null,
  id uuid not null,
  primary key (workspace_id, type, modified_at, id)
);

insert into identity.modifications (workspace_id, type, modified_at, id)
select workspace_id, 'User', modified_at, id from identity.users
union all
select workspace_id, 'Group', modified_at, id from identity.groups;

-- Once per statement, whatever writes the rows. Nested loops only: a plan that was made while the table was small would scan it later.
create function identity.note_modifications() returns trigger
language plpgsql
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
  if tg_op <> 'INSERT' then
    delete from identity.modifications m
    using gone
    where m.workspace_id = gone.workspace_id
    and m.type = tg_argv[0]
    and m.modified_at = gone.modified_at
    and m.id = gone.id;
  end if;
  if tg_op <> 'DELETE' then
    insert into identity.modifications (workspace_id, type, modified_at, id)
    select workspace_id, tg_argv[0], modified_at, id
    from come
    on conflict do nothing;
  end if;
  return null;
end
$$;

create trigger users_come_modified after insert on identity.users
referencing new table as come
for each statement execute function identity.note_modifications('User');

create trigger users_change_modified after update on identity.users
referencing old table as gone new table as come
for each statement execute function identity.note_modifications('User');

create trigger users_go_modified after delete on identity.users
referencing old table as gone
for each statement execute function identity.note_modifications('User');

create trigger groups_come_modified after insert on identity.groups
referencing new table as come
for each statement execute function identity.note_modifications('Group');

create trigger groups_change_modified after update on identity.groups
referencing old table as gone new table as come
for each statement execute function identity.note_modifications('Group');

create trigger groups_go_modified after delete on identity.groups
referencing old table as gone
for each statement execute function identity.note_modifications('Group');

create view identity_read.modifications with (security_invoker = true) as
select workspace_id, type, modified_at, id from identity.modifications;

-- As identity/008.
alter table identity.modifications enable row level security;
create policy store on identity.modifications for all to rollcall_store using (true) with check (true);
create policy operator on identity.modifications for select to rollcall_operator using (true);
create policy workspace on identity.modifications for select to rollcall_reader
using (workspace_id = (select nullif(current_setting('rollcall.workspace', true), '')::uuid));
grant select, insert, delete on identity.modifications to rollcall_store;
grant select on identity.modifications, identity_read.modifications to rollcall_reader, rollcall_operator;

drop index identity.users_by_modification;
drop index identity.groups_by_modification;

-- With most users the address is the userName, which has an index of its own.
drop index identity.users_by_email;
create index users_by_email on identity.users (workspace_id, email_key) where email_key is distinct from user_name_key;

-- A displayName is also the name that users_by_name lists people by.
drop index identity.users_by_display_name;

-- Room in each page for the next version of a row: with HOT, it must fit into the same page.
alter table identity.users set (fillfactor = 85);
alter table identity.groups set (fillfactor = 85);
