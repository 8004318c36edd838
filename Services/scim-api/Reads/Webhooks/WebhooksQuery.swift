import EdgeHTTP
import Foundation
import Models
import Postgres

/// Reads webhook endpoints and the progress of their deliveries. Secrets are not readable.
///
/// The owner of an endpoint is a workspace, or ``WorkspaceID/deployment`` for one that receives the events of all workspaces.
package struct WebhooksQuery: Sendable {
  /// The database with the views.
  package let database: Database

  /// Reads from the views of `database`.
  package init(database: Database) {
    self.database = database
  }

  /// The endpoints after `last`, by id.
  package func endpoints(after last: WebhookID?, limit: Int, of owner: WorkspaceID) async throws -> [StoredWebhook] {
    try await database.query(
      Self.list, [.uuid(owner.uuid), .uuid(last?.uuid ?? Self.first), .int(Int64(limit))], in: owner
    ).map(StoredWebhook.init)
  }

  /// An endpoint; nil if it does not exist.
  package func endpoint(_ id: WebhookID, of owner: WorkspaceID) async throws -> StoredWebhook? {
    try await database.query(Self.one, [.uuid(owner.uuid), .uuid(id.uuid)], in: owner).first.map(StoredWebhook.init)
  }

  /// How far events are delivered to an endpoint, by workspace, after `last`.
  ///
  /// - Parameter failingOnly: whether to return only the workspaces whose next event could not be delivered yet.
  package func progress(
    of id: WebhookID, failingOnly: Bool, after last: WorkspaceID?, limit: Int, of owner: WorkspaceID
  ) async throws -> [WebhookProgress] {
    try await database.query(
      Self.progress,
      [.uuid(owner.uuid), .uuid(id.uuid), .bool(failingOnly), .uuid(last?.uuid ?? Self.first), .int(Int64(limit))], in: owner
    ).map { row in
      WebhookProgress(
        workspace: WorkspaceID(try row.uuid(0)), lastSequence: Int64(try row.int(1)), attempts: try row.int(2),
        firstFailedAt: try row.optionalTimestamp(3), nextAttemptAt: try row.optionalTimestamp(4), lastError: try row.optionalString(5))
    }
  }

  /// The lowest id.
  static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

  private static let columns = """
    id, url, description, types, state, disabled_reason, disabled_at, former_secret_until, created_at, modified_at, version
    """

  private static let list = Statement(
    "webhook endpoints",
    """
    select \(columns)
    from identity_read.webhook_endpoints
    where workspace_id = $1
    and id > $2
    order by id
    limit $3::int8
    """)

  private static let one = Statement(
    "webhook endpoint",
    """
    select \(columns)
    from identity_read.webhook_endpoints
    where workspace_id = $1
    and id = $2
    """)

  private static let progress = Statement(
    "webhook progress",
    """
    select workspace_id, last_sequence, attempts, first_failed_at, next_attempt_at, last_error
    from directory_read.webhook_cursors
    where owner_id = $1
    and endpoint_id = $2
    and (not $3 or attempts > 0 or next_attempt_at is not null)
    and workspace_id > $4
    order by workspace_id
    limit $5::int8
    """)
}

/// A webhook endpoint without its secrets.
package struct StoredWebhook: Sendable, Equatable {
  /// The id.
  package var id: WebhookID
  /// The URL, the description and the types of events.
  package var subscription: WebhookSubscription
  /// Whether events are delivered.
  package var state: WebhookEndpoint.State
  /// Why the endpoint is disabled.
  package var disabledReason: String?
  /// When it was disabled.
  package var disabledAt: Date?
  /// Until when the former secret also signs.
  package var formerSecretUntil: Date?
  /// When it was created.
  package var createdAt: Date
  /// When it was last changed.
  package var modifiedAt: Date
  /// The version.
  package var version: Int64
}

extension StoredWebhook {
  fileprivate init(_ row: Row) throws {
    self.init(
      id: WebhookID(try row.uuid(0)),
      subscription: WebhookSubscription(url: try row.string(1), description: try row.string(2), types: try row.optionalTextArray(3)),
      state: WebhookEndpoint.State(rawValue: try row.string(4)) ?? .disabled, disabledReason: try row.optionalString(5),
      disabledAt: try row.optionalTimestamp(6), formerSecretUntil: try row.optionalTimestamp(7), createdAt: try row.timestamp(8),
      modifiedAt: try row.timestamp(9), version: Int64(try row.int(10)))
  }
}

/// How far the events of a workspace are delivered to an endpoint.
package struct WebhookProgress: Sendable, Equatable {
  /// The workspace of the events.
  package var workspace: WorkspaceID
  /// The last event that is delivered, skipped or of another type.
  package var lastSequence: Int64
  /// The failed attempts at the next event.
  package var attempts: Int
  /// When the next event was first attempted.
  package var firstFailedAt: Date?
  /// When it is attempted again.
  package var nextAttemptAt: Date?
  /// Why the last attempt failed.
  package var lastError: String?

  /// Whether the next event waits because it could not be delivered, or not even be attempted: its endpoint's secret cannot be read.
  package var isFailing: Bool { attempts > 0 || nextAttemptAt != nil }
}
