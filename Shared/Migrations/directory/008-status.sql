-- The status of a membership in a group (visible, pending or held) is named as in the API and the events.

alter view directory_read.group_members rename column standing to status;
