import Postgres

/// The set-based statements that write a batch. Each column is an array parameter.
enum WriteStatements {
  static let members = Statement(
    "write members",
    """
    insert into directory.members (workspace_id, id, state, email, display_name, role, version, document)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int8[], $8::text[])
    on conflict (workspace_id, id) do update
    set
      state = excluded.state,
      email = excluded.email,
      display_name = excluded.display_name,
      role = excluded.role,
      version = excluded.version,
      document = excluded.document
    """)

  static let groups = Statement(
    "write groups",
    """
    insert into directory.groups (workspace_id, id, display_name, version, part, complete, restated_through)
    select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int8[], $5::int8[], $6::bool[], $7::uuid[])
    on conflict (workspace_id, id) do update
    set
      display_name = excluded.display_name,
      version = excluded.version,
      part = excluded.part,
      complete = excluded.complete,
      restated_through = excluded.restated_through
    """)

  /// Appends the events to the log, and all messages to the outbox. The events are the first of the messages; both have the event as JSON.
  ///
  /// It is the last statement of its transaction: it takes the lock of the log, which orders the commits of all processes. The time is that at
  /// which the lock was taken, so the times in the log have the order of the positions.
  static let appendEvents = Statement(
    "append events",
    """
    with
      message as materialized (
        select *
        from unnest($1::text[], $2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::uuid[], $7::int8[], $8::text[], $9::text[])
          with ordinality
          as message (topic, key, headers, payload, partition, workspace_id, sequence, id, type, number)
      ),
      log as (
        update directory.event_log
        set last_position = last_position + cardinality($7::int8[])
        where one
        returning last_position - cardinality($7::int8[]) as previous_position, clock_timestamp() as stored_at
      ),
      advanced as (
        insert into directory.event_sequences (workspace_id, last_sequence)
        select workspace_id, max(sequence)
        from message
        where sequence is not null
        group by workspace_id
        order by workspace_id
        on conflict (workspace_id) do update
        set last_sequence = excluded.last_sequence
      ),
      stored as (
        insert into directory.events (position, stored_at, workspace_id, sequence, id, type, data)
        select
          log.previous_position + message.number, log.stored_at, message.workspace_id, message.sequence, message.id, message.type,
          convert_from(message.payload, 'UTF8')
        from message
        cross join log
        where message.sequence is not null
      )
    insert into directory.outbox (topic, key, headers, payload, partition)
    select topic, key, headers::text[], payload, partition::int
    from message
    order by number
    returning id
    """)

  static let insertReceipts = Statement(
    "insert receipts",
    """
    insert into directory.receipts (workspace_id, id, member_id, reason, revoked_at, document)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[])
    on conflict do nothing
    """)

  static let insertSigningKey = Statement(
    "insert signing key",
    """
    insert into directory.signing_keys (id, jwk)
    values ($1, $2)
    on conflict do nothing
    """)

  static let insertMemberships = Statement(
    "insert memberships",
    """
    insert into directory.memberships (workspace_id, group_id, member_id)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[])
    on conflict do nothing
    """)

  static let deleteMemberships = Statement(
    "delete memberships",
    """
    delete from directory.memberships m
    using unnest($1::uuid[], $2::uuid[], $3::uuid[]) as gone (workspace_id, group_id, member_id)
    where m.workspace_id = gone.workspace_id and m.group_id = gone.group_id and m.member_id = gone.member_id
    """)
}
