-- expand
-- Seat limits, and the last active admin of a workspace. The seats taken are the sum of identity.state_totals.

-- Few rows: only active admins. Its columns are in other indexes, so it makes no update write more than before.
create index users_active_admins on identity.users (workspace_id, id) where role = 'admin' and state = 'active';

comment on index identity.users_active_admins is 'Commands that may take the access or the role of an admin: whether there is another one';
comment on index identity.state_totals_pkey is
  'totalResults of all users; console: members of each state; seats taken in a workspace with a limit; their maintenance';
