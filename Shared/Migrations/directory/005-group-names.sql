-- contract: drops an index that the release before uses
-- Groups are looked up by the key of their name, which the store has; by a name in lower case nobody looks any more.
drop index directory.groups_by_name;
