import EdgeHTTP
import EdgeReads
import Models
import Postgres
import SCIM

/// A row of the audit trail.
struct AuditEntry: Sendable {
  var id: CommandID
  var at: String
  var actor: String
  var action: String
  var target: String
  /// JSON.
  var summary: String
  /// Where it was refused.
  var status: Int?
  var detail: String?
}

/// Reads the audit trail, the newest first.
struct AuditQuery: Sendable {
  let database: Database

  /// How many rows one request looks through for those that are wanted: what is rare may be further back, behind another press of a button.
  static let maximumLookedAt = 5000

  struct Part: Sendable {
    var entries: [AuditEntry]
    /// Where the next part begins; nil at the end of the trail.
    var next: CommandID?
  }

  /// - Parameters:
  ///   - action: nil for any.
  ///   - last: what the part before ended with.
  func entries(
    action: String?, refusedAlone: Bool, after last: CommandID?, limit: Int, in workspace: WorkspaceID
  ) async throws -> Part {
    let rows = try await database.query(
      Self.statement,
      [
        .uuid(workspace.uuid), .optional(last?.uuid, PostgresValue.uuid), .optional(action, PostgresValue.text), .bool(refusedAlone),
        .int(Int64(limit + 1)), .int(Int64(Self.maximumLookedAt)),
      ], in: workspace)
    var entries: [AuditEntry] = []
    for row in rows where !row.isNull(0) { entries.append(try AuditEntry(row)) }
    if entries.count > limit { return Part(entries: Array(entries.prefix(limit)), next: entries[limit - 1].id) }
    // As many were looked at as may be: there may be more behind the last of them.
    return Part(entries: entries, next: try rows.first?.optionalUUID(8).map { CommandID($0) })
  }

  private static let statement = Statement(
    "console_audit",
    """
    with recent as materialized (
      select command_id, at, actor, action, target, summary, status, detail
      from identity_read.audit
      where workspace_id = $1
      and ($2::uuid is null or command_id < $2)
      order by command_id desc
      limit $6
    ),
    bound as (
      select case when count(*) = $6 then (select command_id from recent order by command_id limit 1) end as last
      from recent
    )
    select w.command_id, w.at, w.actor, w.action, w.target, w.summary, w.status::int8, w.detail, bound.last
    from bound
    left join lateral (
      select *
      from recent
      where ($3::text is null or action = $3)
      and (not $4 or status is not null)
      order by command_id desc
      limit $5
    ) w on true
    order by w.command_id desc
    """)
}

extension AuditEntry {
  fileprivate init(_ row: Row) throws {
    id = CommandID(try row.uuid(0))
    at = Timestamp.text(try row.timestamp(1))
    actor = try row.string(2)
    action = try row.string(3)
    target = try row.string(4)
    summary = try row.string(5)
    status = try row.optionalInt(6)
    detail = try row.optionalString(7)
  }
}
