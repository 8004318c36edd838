-- expand
-- The partition of the message that caused an outbox row. The process to which the partition is assigned publishes the row if the one that wrote
-- it has not done so; rows without a partition are published by any process. A nullable column without a default rewrites no rows, and an
-- older release leaves it null.
alter table identity.outbox add column partition int;
