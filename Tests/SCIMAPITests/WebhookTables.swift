import Foundation
import Models
import Postgres

/// A database of a test with the tables of webhooks.
protocol WebhookTables: Sendable {
  /// The workspace of the test.
  var workspace: WorkspaceID { get }
  /// Executes a statement as the owner of the tables.
  func write(_ sql: String, _ parameters: [PostgresValue]) async throws
}

extension StoreBuilder: WebhookTables {}
extension ConsoleBench: WebhookTables {}

extension WebhookTables {
  /// Applies a command to the table of endpoints.
  func write(_ write: WebhookEndpointWrite, of owner: WorkspaceID) async throws {
    let id = PostgresValue.uuid(write.webhook.uuid)
    switch write {
    case .create(_, let subscription, let secret):
      try await self.write(
        """
        insert into identity.webhook_endpoints
        (workspace_id, id, url, description, types, secret, state, created_at, modified_at, version)
        values ($1, $2, $3, $4, $5, $6, 'enabled', now(), now(), 1)
        on conflict do nothing
        """,
        [
          .uuid(owner.uuid), id, .text(subscription.url), .text(subscription.description),
          subscription.types.map { PostgresValue.textArray($0) } ?? .null, .bytes(secret),
        ])
    case .update(_, let subscription):
      try await self.write(
        "update identity.webhook_endpoints set url = $2, description = $3, types = $4, version = version + 1 where id = $1",
        [
          id, .text(subscription.url), .text(subscription.description), subscription.types.map { PostgresValue.textArray($0) } ?? .null,
        ])
    case .rotateSecret(_, let secret, let until):
      try await self.write(
        "update identity.webhook_endpoints set secret = $2, former_secret_until = $3, version = version + 1 where id = $1",
        [id, .bytes(secret), .optional(until, PostgresValue.timestamp)])
    case .enable:
      try await self.write(
        "update identity.webhook_endpoints set state = 'enabled', disabled_reason = null, disabled_at = null where id = $1", [id])
    }
  }

  /// Inserts deliveries of events with the sequence numbers from 1 on; the fifth of each ten failed.
  func insertDeliveries(_ count: Int, to webhook: WebhookID) async throws {
    try await write(
      """
      insert into directory.webhook_deliveries
      (owner_id, endpoint_id, id, at, workspace_id, sequence, event_id, type, webhook_id, attempt, is_ahead, delivered, url, duration_ms,
        status, error, response_head, response_body)
      select
        $1, $2, ('0192f7a0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid,
        date_trunc('hour', now()) + ((n - 1) / 3) * interval '1.000001 seconds', $1, n, 'event-' || n, 'member.updated', 'hook-' || n, 1,
        false, n % 10 <> 5, 'https://app.example.com/rollcall', 12, case when n % 10 <> 5 then 200 else 500 end,
        case when n % 10 = 5 then 'status 500' end, 'content-length: 0', ''
      from generate_series(1, $3::int8) n
      """, [.uuid(workspace.uuid), .uuid(webhook.uuid), .int(Int64(count))])
  }
}
