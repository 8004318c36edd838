-- expand
-- Further kinds of changes wait for approval. The mailer checks the kinds itself.
alter table mailer.held_changes drop constraint held_changes_kind_check;
