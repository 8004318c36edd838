import EdgeHTTP
import Foundation
import Models
import Postgres
import SCIM

/// An entry of the audit trail.
package struct AuditEntry: Sendable {
  /// The id of the command.
  package var id: CommandID
  /// The time, in ISO 8601.
  package var at: String
  /// The actor, such as `token:…` or `operator:ana`.
  package var actor: String
  /// The name of the command.
  package var action: String
  /// What the command changed.
  package var target: String
  /// The changes, as JSON.
  package var summary: String
  /// The status of a rejected command.
  package var status: Int?
  /// The reason for the rejection.
  package var detail: String?
}

/// Reads the audit trail, newest first.
package struct AuditQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The number of rows that a page scans for matches. Rare entries can be on a later page.
  package static let maximumScanned = 5000

  /// A page of the audit trail.
  package struct Page: Sendable {
    /// The entries, newest first.
    package var entries: [AuditEntry]
    /// The last entry of this page; nil on the last page.
    package var next: CommandID?
  }

  /// The entries after `last`.
  ///
  /// - Parameters:
  ///   - action: nil for all actions.
  ///   - actor: nil for all actors.
  ///   - since: the earliest time of the entries; nil for any.
  ///   - last: the last entry of the previous page.
  package func entries(
    action: String?, actor: String? = nil, since: Date? = nil, rejectedOnly: Bool, after last: CommandID?, limit: Int,
    in workspace: WorkspaceID
  ) async throws -> Page {
    let rows = try await database.query(
      Self.statement,
      [
        .uuid(workspace.uuid), .optional(last?.uuid, PostgresValue.uuid), .optional(action, PostgresValue.text), .bool(rejectedOnly),
        .int(Int64(limit + 1)), .int(Int64(Self.maximumScanned)), .optional(actor, PostgresValue.text),
        .optional(since, PostgresValue.timestamp),
      ], in: workspace)
    var entries: [AuditEntry] = []
    for row in rows where !row.isNull(0) { entries.append(try AuditEntry(row)) }
    if entries.count > limit { return Page(entries: Array(entries.prefix(limit)), next: entries[limit - 1].id) }
    // If the scan reached its limit, the next page starts after the last scanned row.
    return Page(entries: entries, next: try rows.first?.optionalUUID(8).map { CommandID($0) })
  }

  /// An entry; nil if it does not exist.
  package func entry(_ id: CommandID, in workspace: WorkspaceID) async throws -> AuditEntry? {
    try await database.query(Self.one, [.uuid(workspace.uuid), .uuid(id.uuid)], in: workspace).first.map(AuditEntry.init)
  }

  private static let one = Statement(
    "scim_api audit entry",
    """
    select command_id, at, actor, action, target, summary, status::int8, detail
    from identity_read.audit
    where workspace_id = $1
    and command_id = $2
    """)

  // The ids are ordered by time, up to the differences of clocks. An hour allows for these.
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
      select
        case
          when count(*) = $6 and ($8::timestamptz is null or min(at) >= $8 - interval '1 hour')
            then (select command_id from recent order by command_id limit 1)
        end as last
      from recent
    )
    select w.command_id, w.at, w.actor, w.action, w.target, w.summary, w.status::int8, w.detail, bound.last
    from bound
    left join lateral (
      select *
      from recent
      where ($3::text is null or action = $3)
      and ($7::text is null or actor = $7)
      and ($8::timestamptz is null or at >= $8)
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
