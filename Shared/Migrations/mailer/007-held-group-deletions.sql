-- expand
-- Deletions of groups wait for approval, too.

alter table mailer.held_changes
  drop constraint held_changes_kind_check,
  add constraint held_changes_kind_check check (kind in ('members-removed', 'group-deleted', 'user-disabled', 'user-deleted'));
