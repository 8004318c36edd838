import Foundation
import Models
import Postgres
import SCIM

/// The statements that read the event log.
enum EventStatements {
  /// The maximum number of log rows that one statement goes through to find events of some types or workspaces.
  static let maximumScan = 10_000
  /// The maximum size of a page, in bytes of events. A page has at least one event, whatever its size.
  static let maximumBytes = 4 << 20

  /// The statement of a page and its parameters.
  static func page(_ query: EventQuery) -> (Statement, [PostgresValue]) {
    let isFiltered = query.types != nil || query.workspaces != nil
    let (after, since, scan): (Int64, Date, Int) =
      switch query.start {
      case .oldest: (0, .distantPast, isFiltered ? max(query.limit, maximumScan) : query.limit)
      case .latest: (0, .distantFuture, 0)
      case .after(let cursor): (cursor.number, cursor.firstStoredAt, isFiltered ? max(query.limit, maximumScan) : query.limit)
      }
    let common: [PostgresValue] = [
      .int(after), .timestamp(since), .int(Int64(scan)), .int(Int64(query.limit)),
      .optional(query.types?.map(\.rawValue)) { .textArray($0) },
    ]
    switch query.scope {
    case .workspace(let workspace): return (ofWorkspace, common + [.uuid(workspace.uuid)])
    case .deployment: return (ofDeployment, common + [.optional(query.workspaces?.map(\.uuid)) { .uuidArray($0) }])
    }
  }

  /// The events of a workspace after a sequence number. Parameters: see ``page(number:end:of:where:)``; `$6` is the workspace.
  private static let ofWorkspace = Statement(
    "scim_api_events",
    page(
      number: "e.sequence",
      end: "coalesce((select s.last_sequence from directory_read.event_sequences s where s.workspace_id = $6::uuid), 0)",
      of: "e.workspace_id = $6::uuid"))

  /// The events of the deployment after a position. Parameters: see ``page(number:end:of:where:)``; `$6` are the workspaces, or null.
  private static let ofDeployment = Statement(
    "scim_api_events_of_deployment",
    page(number: "e.position", end: "l.last_position", where: "($6::uuid[] is null or e.workspace_id = any ($6::uuid[]))"))

  /// A statement that goes through at most `$3` events after the number `$1`, stored since `$2`, and returns at most `$4` of them that have one
  /// of the types `$5`, or any if that is null.
  ///
  /// Columns: epoch, the number of the last stored event, the time; number, stored_at, workspace_id, sequence, id, type and data of an event; and
  /// of the events gone through up to this row the count, the smallest number, and the count of those that are wanted. The last row is that of
  /// the last event gone through; its data is null if it is not returned. There is one row with nulls if there are no events.
  ///
  /// - Parameters:
  ///   - number: the column that orders the events.
  ///   - end: the number of the last stored event.
  ///   - scope: the condition of the events to go through.
  ///   - filter: the condition of the events to return, besides the types.
  private static func page(number: String, end: String, of scope: String = "true", where filter: String = "true") -> String {
    """
    select
      l.epoch, \(end), now(),
      p.number, p.stored_at, p.workspace_id, p.sequence, p.id, p.type, case when p.is_returned then p.data end,
      p.count, p.first, p.wanted
    from directory_read.event_log l
    left join (
      select w.*, w.is_wanted and w.wanted <= $4::int8 and w.bytes_before < \(maximumBytes) as is_returned
      from (
        select
          s.*,
          count(*) over through as count,
          min(s.number) over through as first,
          count(*) filter (where s.is_wanted) over through as wanted,
          coalesce(sum(octet_length(s.data)) filter (where s.is_wanted) over before, 0) as bytes_before,
          lead(true) over through is null as is_last
        from (
          select
            \(number) as number, e.stored_at, e.workspace_id, e.sequence, e.id, e.type, e.data,
            ($5::text[] is null or e.type = any ($5::text[])) and \(filter) as is_wanted
          from directory_read.events e
          where \(scope)
          and \(number) > $1::int8
          and e.stored_at >= $2::timestamptz
          order by \(number)
          limit $3::int8
        ) s
        window
          through as (order by s.number rows between unbounded preceding and current row),
          before as (order by s.number rows between unbounded preceding and 1 preceding)
      ) w
      where w.is_last
      or (w.is_wanted and w.wanted <= $4::int8 and w.bytes_before < \(maximumBytes))
    ) p on true
    order by p.number
    """
  }

  /// The ends of the log; see the function `directory_read.event_ends`. Parameters: a position, workspaces.
  static let ends = Statement(
    "scim_api_event_ends",
    """
    select last_position, workspace_id, last_sequence
    from directory_read.event_ends($1::int8, $2::uuid[])
    """)
}
