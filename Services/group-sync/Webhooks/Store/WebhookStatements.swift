import Postgres

/// The statements that store endpoints, orders and results of deliveries.
enum WebhookStatements {
  /// Stores an endpoint. A new one starts after the events that are stored by then. One that is enabled again, or has another URL, is tried at once.
  static let change = Statement(
    "change webhook endpoint",
    """
    with former as (
      select url, state, version
      from directory.webhook_endpoints
      where owner_id = $1 and id = $2
    ), revised as (
      update directory.webhook_revision
      set revision = revision + 1
      where coalesce((select version from former), 0) < $9::int8
      returning revision
    ), changed as (
      insert into directory.webhook_endpoints as e (
        owner_id, id, url, types, secret, former_secret, former_secret_until, state, version, changed_at, revision
      )
      select $1::uuid, $2::uuid, $3, $4::text[], $5::bytea, $6::bytea, $7::timestamptz, $8, $9::int8, $10::timestamptz, revision
      from revised
      on conflict (owner_id, id) do update
      set
        url = excluded.url,
        types = excluded.types,
        secret = excluded.secret,
        former_secret = excluded.former_secret,
        former_secret_until = excluded.former_secret_until,
        state = excluded.state,
        version = excluded.version,
        changed_at = excluded.changed_at,
        revision = excluded.revision
      where e.version < excluded.version
      returning state
    ), started as (
      insert into directory.webhook_cursors (owner_id, endpoint_id, workspace_id, last_sequence)
      select $1, $2, s.workspace_id, s.last_sequence
      from directory.event_sequences s
      where exists (select from changed where state <> 'deleted')
      and not exists (select from former where state <> 'deleted')
      and ($1 = '00000000-0000-0000-0000-000000000000' or s.workspace_id = $1)
      on conflict do nothing
    ), retried as (
      update directory.webhook_cursors c
      set attempts = 0, first_failed_at = null, next_attempt_at = null, last_error = null, revision = c.revision + 1
      where c.owner_id = $1
      and c.endpoint_id = $2
      and exists (select from changed where state = 'enabled')
      and exists (select from former where state = 'disabled' or url <> $3)
    )
    delete from directory.webhook_cursors c
    where c.owner_id = $1
    and c.endpoint_id = $2
    and exists (select from changed where state = 'deleted')
    """)

  /// What every order begins with: it is accepted once, if the endpoint exists, and makes all processes read the endpoint again.
  private static func accepted(_ kind: String, isDone: Bool) -> String {
    """
    with accepted as (
      insert into directory.webhook_orders (owner_id, id, endpoint_id, kind, ordered_at, done_at)
      select owner_id, $2::uuid, id, '\(kind)', $4::timestamptz, \(isDone ? "$4::timestamptz" : "null::timestamptz")
      from directory.webhook_endpoints
      where owner_id = $1 and id = $3 and state <> 'deleted'
      on conflict do nothing
      returning id
    ), revised as (
      update directory.webhook_revision
      set revision = revision + 1
      where exists (select from accepted)
      returning revision
    ), touched as (
      update directory.webhook_endpoints
      set revision = revised.revision
      from revised
      where owner_id = $1 and id = $3
    )
    """
  }

  static let orderTest = Statement(
    "order webhook test",
    """
    \(accepted("test", isDone: false))
    select from accepted
    """)

  /// Adds the event to those that are passed over, and to the delivery log.
  static let orderSkip = Statement(
    "order webhook skip",
    """
    \(accepted("skip", isDone: true)), skipped as (
      update directory.webhook_cursors c
      set
        ahead = array_append(c.ahead, $6::int8), attempts = 0, first_failed_at = null, next_attempt_at = null, last_error = null,
        revision = c.revision + 1
      where c.owner_id = $1
      and c.endpoint_id = $3
      and c.workspace_id = $5
      and c.last_sequence < $6
      and not (c.ahead @> array[$6::int8])
      and cardinality(c.ahead) < 10000
      and exists (select from accepted)
      returning c.workspace_id
    )
    insert into directory.webhook_deliveries (
      owner_id, endpoint_id, id, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url, duration_ms, error
    )
    select $1, $3, $7::uuid, $4, $5, $6, e.id, e.type, '', 0, false, false, '', 0, 'skipped by an administrator'
    from skipped
    join directory.events e on e.workspace_id = $5 and e.sequence = $6
    """)

  /// Sets the cursors before the first event that was stored at or after a time. A workspace without a cursor has received no event yet.
  static let orderRedelivery = Statement(
    "order webhook redelivery",
    """
    \(accepted("redeliver", isDone: true)), first as (
      select workspace_id, min(sequence) - 1 as before
      from directory.events
      where stored_at >= $6::timestamptz
      and ($5::uuid is null or workspace_id = $5)
      and exists (select from accepted)
      group by workspace_id
    )
    update directory.webhook_cursors c
    set
      last_sequence = least(c.last_sequence, first.before), ahead = '{}', attempts = 0, first_failed_at = null, next_attempt_at = null,
      last_error = null, revision = c.revision + 1
    from first
    where c.owner_id = $1
    and c.endpoint_id = $3
    and c.workspace_id = first.workspace_id
    """)

  /// Changed endpoints, and the current revision, which is returned even if nothing changed.
  static let changes = Statement(
    "changed webhook endpoints",
    """
    select
      r.revision, e.owner_id, e.id, e.url, e.types, e.secret, e.former_secret, e.former_secret_until, e.state, e.version, e.changed_at
    from directory.webhook_revision r
    left join directory.webhook_endpoints e on e.revision > $1
    """)

  /// Tests that were not sent yet, of some endpoints.
  static let tests = Statement(
    "webhook tests",
    """
    select o.id, o.endpoint_id, o.ordered_at, o.owner_id
    from unnest($1::uuid[], $2::uuid[]) as wanted (owner_id, id)
    cross join lateral (
      select *
      from directory.webhook_orders
      where owner_id = wanted.owner_id
      and endpoint_id = wanted.id
      and done_at is null
      offset 0
    ) o
    where o.kind = 'test'
    order by o.ordered_at
    """)

  private static let laneColumns = """
    coalesce(c.last_sequence, 0), coalesce(c.ahead, '{}'), coalesce(c.attempts, 0), c.first_failed_at, c.next_attempt_at, c.last_error,
    coalesce(c.revision, 0)
    """

  /// Lanes of some endpoints that have undelivered events. `offset 0` makes the planner look up each row by its key, also on tables that were never
  /// analysed.
  static let pendingLanes = Statement(
    "pending webhook lanes",
    """
    with wanted as materialized (
      select *
      from unnest($1::uuid[], $2::uuid[]) as wanted (owner_id, id)
    )
    select wanted.id, s.workspace_id, s.last_sequence, \(laneColumns), wanted.owner_id
    from wanted
    join directory.event_sequences s on s.workspace_id = wanted.owner_id
    left join lateral (
      select *
      from directory.webhook_cursors
      where owner_id = wanted.owner_id
      and endpoint_id = wanted.id
      and workspace_id = s.workspace_id
      offset 0
    ) c on true
    where s.last_sequence > coalesce(c.last_sequence, 0)
    union all
    select wanted.id, s.workspace_id, s.last_sequence, \(laneColumns), wanted.owner_id
    from wanted
    cross join directory.event_sequences s
    left join lateral (
      select *
      from directory.webhook_cursors
      where owner_id = wanted.owner_id
      and endpoint_id = wanted.id
      and workspace_id = s.workspace_id
      offset 0
    ) c on true
    where wanted.owner_id = '00000000-0000-0000-0000-000000000000'
    and s.last_sequence > coalesce(c.last_sequence, 0)
    """)

  /// The cursors of lanes.
  static let lanes = Statement(
    "webhook lanes",
    """
    select wanted.id, wanted.workspace_id, coalesce(s.last_sequence, 0), \(laneColumns), wanted.owner_id
    from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as wanted (owner_id, id, workspace_id)
    left join lateral (
      select *
      from directory.event_sequences
      where workspace_id = wanted.workspace_id
      offset 0
    ) s on true
    left join lateral (
      select *
      from directory.webhook_cursors
      where owner_id = wanted.owner_id
      and endpoint_id = wanted.id
      and workspace_id = wanted.workspace_id
      offset 0
    ) c on true
    """)

  /// The next events of a workspace: as many as are in the first megabyte, at least one. Those of types that are not delivered have no data.
  static let events = Statement(
    "webhook events",
    """
    select sequence, id, type, data, coalesce(data::json ->> 'changedAt', '')
    from (
      select
        sequence, id, type, data, sum(coalesce(octet_length(data), 0)) over (order by sequence) - coalesce(octet_length(data), 0) as before
      from (
        select sequence, id, type, case when $3::text[] is null or type = any ($3) then data end as data
        from directory.events
        where workspace_id = $1
        and sequence > $2
        order by sequence
        limit $4
      ) as next
    ) as page
    where before < 1048576
    order by sequence
    """)

  /// The next events of a workspace that end sessions.
  static let urgentEvents = Statement(
    "urgent webhook events",
    """
    select sequence, id, type, data, coalesce(data::json ->> 'changedAt', '')
    from directory.events
    where workspace_id = $1
    and sequence > $2
    and type = $3
    order by sequence
    limit $4
    """)

  /// Records cursors, unless an order or another process has changed them, and rows of the delivery log. Returns the lanes that were recorded.
  static let record = Statement(
    "record webhook deliveries",
    """
    with lane as (
      select *
      from unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::int8[], $5::text[], $6::int8[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::int8[]
      ) as lane (
        owner_id, endpoint_id, workspace_id, last_sequence, ahead, attempts, first_failed_at, next_attempt_at, last_error, revision
      )
    ), recorded as (
      insert into directory.webhook_cursors as c (
        owner_id, endpoint_id, workspace_id, last_sequence, ahead, attempts, first_failed_at, next_attempt_at, last_error, revision
      )
      select
        l.owner_id, l.endpoint_id, l.workspace_id, l.last_sequence, l.ahead::int8[], l.attempts, l.first_failed_at, l.next_attempt_at,
        l.last_error, l.revision
      from lane l
      where exists (
        select
        from directory.webhook_endpoints e
        where e.owner_id = l.owner_id
        and e.id = l.endpoint_id
        and e.state <> 'deleted'
        offset 0
      )
      order by l.owner_id, l.endpoint_id, l.workspace_id
      on conflict (owner_id, endpoint_id, workspace_id) do update
      set
        last_sequence = excluded.last_sequence,
        ahead = excluded.ahead,
        attempts = excluded.attempts,
        first_failed_at = excluded.first_failed_at,
        next_attempt_at = excluded.next_attempt_at,
        last_error = excluded.last_error
      where c.revision = excluded.revision and c.last_sequence <= excluded.last_sequence
      returning c.endpoint_id, c.workspace_id, c.owner_id
    ), logged as (
      insert into directory.webhook_deliveries (
        owner_id, endpoint_id, id, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url, duration_ms,
        status, error, response_head, response_body
      )
      select
        owner_id, endpoint_id, id, at, workspace_id, nullif(sequence, 0), event_id, type, webhook_id, attempt, is_ahead, delivered, url,
        duration_ms, nullif(status, 0), error, response_head, response_body
      from unnest(
        $11::uuid[], $12::uuid[], $13::uuid[], $14::timestamptz[], $15::uuid[], $16::int8[], $17::text[], $18::text[], $19::text[], $20::int8[],
        $21::bool[], $22::bool[], $23::text[], $24::int8[], $25::int8[], $26::text[], $27::text[], $28::text[]
      ) as request (
        owner_id, endpoint_id, id, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url, duration_ms,
        status, error, response_head, response_body
      )
    ), tested as (
      update directory.webhook_orders o
      set done_at = clock_timestamp()
      from unnest($29::uuid[], $30::uuid[]) as test (owner_id, id)
      where o.owner_id = test.owner_id and o.id = test.id
    )
    select endpoint_id, workspace_id, owner_id
    from recorded
    """)

  static let maintain = Statement(
    "maintain webhook deliveries",
    """
    select made, dropped
    from directory.maintain_webhooks($1::int8::int, $2::int8::int)
    """)
}
