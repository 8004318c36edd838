import Postgres

/// Statements of `scimctl doctor`.
enum DoctorQueries {
  /// For each service, the number of events that wait to be published, and the age of the oldest in seconds.
  static let outboxes = Statement(
    "doctor outboxes",
    """
    select o.service, o.waiting, coalesce(extract(epoch from now() - o.oldest_at), 0)::float8
    from (
      select 'identity-store' as service, * from identity_read.outbox_state
      union all
      select 'invitation-mailer', * from mailer_read.outbox_state
      union all
      select 'group-sync', * from directory_read.outbox_state
    ) o
    """)

  /// Messages that were deleted before a consumer read them, of the last 30 days.
  static let skippedMessages = Statement(
    "doctor skipped messages",
    """
    select
      s.consumer, s.topic, max(s.noticed_at), count(distinct s.partition),
      case when s.rebuild_id is not null then r.finished_at is not null end as is_rebuilt
    from (
      select * from identity_read.skipped_messages
      union all
      select * from mailer_read.skipped_messages
      union all
      select * from directory_read.skipped_messages
    ) s
    left join identity_read.rebuilds r on r.id = s.rebuild_id
    where s.noticed_at > now() - interval '30 days'
    group by s.consumer, s.topic, is_rebuilt
    order by s.consumer, s.topic, is_rebuilt
    """)

  /// The entries of the last hour with a status of 5xx: status, number of requests, number of workspaces. The first 48 bits of an entry's id are
  /// its time.
  static let lastHour = Statement(
    "doctor last hour",
    """
    select status, count(*), count(distinct workspace_id)
    from identity_read.provisioning_log
    where failed
    and status >= 500
    and id >= (lpad(to_hex((extract(epoch from now() - interval '1 hour') * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    group by status
    order by status
    """)

  /// Tombstones with the hash of a name, by key: the id of the key, their number, and when the last user was deleted.
  static let tombstoneKeys = Statement(
    "doctor tombstone keys", "select key_id, tombstones, newest from identity_read.tombstone_keys()")

  /// When a rotation of the key for tombstones was finished; no row if it has not begun.
  static let tombstoneKeyRotation = Statement(
    "doctor tombstone key rotation",
    """
    select finished_at
    from identity_read.name_key_rotations
    where key_id = $1 and former_key_id = $2
    """)

  /// The time of the database.
  static let clock = Statement("doctor clock", "select clock_timestamp()")

  /// Templates that were set according to the audit trail, and that the mailer does not have. Orders of the last seconds may be in progress.
  static let missingTemplates = Statement(
    "doctor templates",
    """
    select w.slug, asked.language
    from (
      select distinct on (a.workspace_id, language)
        a.workspace_id, a.at,
        a.summary::json #>> '{asked,action}' as action,
        lower(coalesce(a.summary::json #>> '{asked,template,language}', a.summary::json #>> '{asked,language}')) as language
      from identity_read.audit a
      where a.action = 'order-invitation'
      and a.status is null
      and a.summary::json #>> '{asked,action}' in ('setTemplate', 'resetTemplate')
      order by a.workspace_id, language, a.at desc
    ) asked
    join identity_read.workspaces w on w.id = asked.workspace_id
    where asked.action = 'setTemplate'
    and asked.at < now() - interval '10 seconds'
    and not exists (
      select from mailer_read.templates t where t.workspace_id = asked.workspace_id and t.language = asked.language
    )
    order by w.slug, asked.language
    """)

  /// The number of names with comparison keys that identity-store has not computed again yet.
  static let outdatedNames = Statement(
    "doctor outdated names", "select count(*) from identity_read.outdated_keys where conflicting_id is null")

  /// Names that have the same comparison key as another one.
  static let sharedNames = Statement(
    "doctor shared names",
    """
    select w.slug, o.type, o.id, coalesce(u.user_name, g.display_name), o.conflicting_id, coalesce(hu.user_name, hg.display_name)
    from identity_read.outdated_keys o
    join identity_read.workspaces w on w.id = o.workspace_id
    left join identity_read.users u on o.type = 'User' and u.workspace_id = o.workspace_id and u.id = o.id
    left join identity_read.groups g on o.type = 'Group' and g.workspace_id = o.workspace_id and g.id = o.id
    left join identity_read.users hu on o.type = 'User' and hu.workspace_id = o.workspace_id and hu.id = o.conflicting_id
    left join identity_read.groups hg on o.type = 'Group' and hg.workspace_id = o.workspace_id and hg.id = o.conflicting_id
    where o.conflicting_id is not null
    and coalesce(u.id, g.id) is not null
    order by w.slug, o.type, o.id
    limit 50
    """)

  /// The partitions of tables with one for each day: the table, and the partition's name.
  static let partitions = Statement(
    "doctor partitions",
    """
    select p.relname::text, c.relname::text
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    join pg_class p on p.oid = i.inhparent
    join pg_namespace n on n.oid = p.relnamespace
    where (n.nspname, p.relname) in (('identity', 'provisioning_log'), ('directory', 'events'), ('directory', 'webhook_deliveries'))
    """)
}
