import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads the delivery log of webhook endpoints, latest first.
package struct WebhookDeliveriesQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The number of rows that a page scans for matches. Rare deliveries can be on a later page.
  package static let maximumScanned = 5000

  /// The filter of a list.
  package struct Filter: Sendable, Equatable {
    /// Whether to return failed attempts only.
    package var failedOnly: Bool
    /// Only events of this workspace.
    package var workspace: WorkspaceID?
    /// Only events with this CloudEvents id.
    package var event: String?

    /// A filter; by default, of all deliveries.
    package init(failedOnly: Bool = false, workspace: WorkspaceID? = nil, event: String? = nil) {
      self.failedOnly = failedOnly
      self.workspace = workspace
      self.event = event
    }
  }

  /// The place of a delivery in the log.
  package struct Position: Sendable, Equatable {
    /// The time in microseconds since 1970, as PostgreSQL stores it.
    package var microseconds: Int64
    /// The id of the delivery.
    package var id: UUID

    /// The place of a delivery.
    package init(microseconds: Int64, id: UUID) {
      self.microseconds = microseconds
      self.id = id
    }
  }

  /// A page of the log.
  package struct Page: Sendable, Equatable {
    /// The deliveries, latest first.
    package var deliveries: [WebhookDelivery]
    /// The place after which the next page starts; nil on the last page.
    package var next: Position?
  }

  /// The deliveries to an endpoint after `last`.
  ///
  /// - Parameters:
  ///   - last: the last delivery of the previous page; nil for the first page.
  ///   - owner: the workspace of the endpoint, or the deployment.
  package func deliveries(
    to id: WebhookID, _ filter: Filter, after last: Position?, limit: Int, of owner: WorkspaceID
  ) async throws -> Page {
    let rows = try await database.query(
      Self.statement,
      [
        .uuid(owner.uuid), .uuid(id.uuid), .int((last ?? Self.end).microseconds), .uuid((last ?? Self.end).id),
        .bool(filter.failedOnly), .optional(filter.workspace?.uuid, PostgresValue.uuid), .optional(filter.event, PostgresValue.text),
        .int(Int64(limit + 1)), .int(Int64(Self.maximumScanned)),
      ], in: owner)
    var found: [WebhookDelivery] = []
    for row in rows where !row.isNull(0) { found.append(try WebhookDelivery(row)) }
    if found.count > limit { return Page(deliveries: Array(found.prefix(limit)), next: found[limit - 1].place) }
    // If the scan reached its limit, the next page starts after the last scanned row.
    let scanned = try rows.first.flatMap { row in
      try row.optionalUUID(17).map { Position(microseconds: Int64(try row.int(16)), id: $0) }
    }
    return Page(deliveries: found, next: scanned)
  }

  /// The delivery at a place in the log of an endpoint; nil if there is none.
  ///
  /// - Parameter owner: the workspace of the endpoint, or the deployment.
  package func delivery(at place: Position, to id: WebhookID, of owner: WorkspaceID) async throws -> WebhookDelivery? {
    try await database.query(
      Self.one, [.uuid(owner.uuid), .uuid(id.uuid), .int(place.microseconds), .uuid(place.id)], in: owner
    ).first.map(WebhookDelivery.init)
  }

  /// The event of a delivery as JSON; nil if the event log no longer has it.
  package func event(_ sequence: Int64, in workspace: WorkspaceID) async throws -> [UInt8]? {
    try await database.query(Self.event, [.uuid(workspace.uuid), .int(sequence)], in: workspace).first?.bytes(0)
  }

  /// A place after all deliveries: the year 9999.
  private static let end = Position(
    microseconds: 253_402_300_799_000_000,
    id: UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255)))

  private static let one = Statement(
    "webhook delivery",
    """
    select
      id, (extract(epoch from at) * 1000000)::int8, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url,
      duration_ms, status, error, response_head, null::int8, null::uuid, response_body
    from directory_read.webhook_deliveries
    where owner_id = $1
    and endpoint_id = $2
    and at = 'epoch'::timestamptz + $3::int8 * interval '1 microsecond'
    and id = $4
    """)

  private static let event = Statement(
    "event of a webhook delivery",
    """
    select data::text
    from directory_read.events
    where workspace_id = $1
    and sequence = $2
    limit 1
    """)

  private static let statement = Statement(
    "webhook deliveries",
    """
    with recent as materialized (
      select *
      from directory_read.webhook_deliveries
      where owner_id = $1
      and endpoint_id = $2
      -- For the index, which has no id. A condition with a function of SQL that is not known to be leakproof would not use it.
      and at <= 'epoch'::timestamptz + $3::int8 * interval '1 microsecond'
      and (at, id) < ('epoch'::timestamptz + $3::int8 * interval '1 microsecond', $4::uuid)
      order by at desc, id desc
      limit $9::int8
    ),
    bound as (
      select last.at, last.id
      from (select count(*) as scanned from recent) counted
      left join lateral (select at, id from recent order by at, id limit 1) last on counted.scanned = $9::int8
    )
    select
      d.id, (extract(epoch from d.at) * 1000000)::int8, d.at, d.workspace_id, d.sequence, d.event_id, d.type, d.webhook_id, d.attempt,
      d.is_ahead, d.delivered, d.url, d.duration_ms, d.status, d.error, d.response_head, (extract(epoch from bound.at) * 1000000)::int8,
      bound.id, d.response_body
    from bound
    left join lateral (
      select *
      from recent
      where (not $5 or not delivered)
      and ($6::uuid is null or workspace_id = $6)
      and ($7::text is null or event_id = $7)
      order by at desc, id desc
      limit $8::int8
    ) d on true
    order by d.at desc, d.id desc
    """)
}

/// An attempt to deliver an event to a webhook endpoint.
package struct WebhookDelivery: Sendable, Equatable {
  /// The id.
  package var id: UUID
  /// When the request was sent, or the event was skipped.
  package var at: Date
  /// The place in the log.
  package var place: WebhookDeliveriesQuery.Position
  /// The workspace of the event.
  package var workspace: WorkspaceID
  /// The sequence number of the event; nil for a test.
  package var sequence: Int64?
  /// The CloudEvents id of the event.
  package var event: String
  /// The type of the event.
  package var type: String
  /// The header `webhook-id`.
  package var webhookID: String
  /// The number of the attempt, from 1.
  package var attempt: Int
  /// Whether it was sent ahead of earlier events.
  package var isAhead: Bool
  /// Whether the endpoint accepted it.
  package var isDelivered: Bool
  /// The URL of the request.
  package var url: String
  /// The duration in milliseconds.
  package var milliseconds: Int
  /// The status of the response; nil if there was none.
  package var status: Int?
  /// Why it failed.
  package var error: String?
  /// The headers of the response.
  package var responseHead: String?
  /// The beginning of the response's body.
  package var responseBody: String?
}

extension WebhookDelivery {
  fileprivate init(_ row: Row) throws {
    self.init(
      id: try row.uuid(0), at: try row.timestamp(2),
      place: WebhookDeliveriesQuery.Position(microseconds: Int64(try row.int(1)), id: try row.uuid(0)),
      workspace: WorkspaceID(try row.uuid(3)),
      sequence: try row.optionalInt(4).map { Int64($0) }, event: try row.string(5), type: try row.string(6), webhookID: try row.string(7),
      attempt: try row.int(8), isAhead: try row.bool(9), isDelivered: try row.bool(10), url: try row.string(11),
      milliseconds: try row.int(12), status: try row.optionalInt(13), error: try row.optionalString(14),
      responseHead: try row.optionalString(15), responseBody: try row.optionalString(18))
  }
}
