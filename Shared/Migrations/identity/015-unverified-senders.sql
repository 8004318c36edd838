-- expand
-- Entries of the provisioning log that sum up requests with tokens that nobody issued are updated while their count rises; no other entry
-- ever changes. One column is enough for that.

grant update (entry) on identity.provisioning_log to rollcall_store;
