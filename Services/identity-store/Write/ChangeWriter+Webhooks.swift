import Models
import Postgres

extension ChangeWriter {
  /// The statement that writes a webhook endpoint. A batch rarely has more than one.
  static func step(writing webhook: WebhookRecord) -> (Statement, [PostgresValue]) {
    let endpoint = webhook.endpoint
    return (
      writeWebhook,
      [
        .uuid(endpoint.workspace.uuid), .uuid(endpoint.id.uuid), .text(endpoint.url), .text(endpoint.description),
        .optional(endpoint.types) { .textArray($0.map(\.rawValue)) }, .bytes(endpoint.sealedSecret),
        .optional(endpoint.formerSealedSecret, PostgresValue.bytes), .optional(endpoint.formerSecretUntil, PostgresValue.timestamp),
        .text(endpoint.state.rawValue), .optional(endpoint.disabledReason, PostgresValue.text),
        .optional(endpoint.disabledAt, PostgresValue.timestamp), .timestamp(endpoint.createdAt), .timestamp(webhook.modifiedAt),
        .int(endpoint.version), .optional(webhook.deletedAt, PostgresValue.timestamp),
      ]
    )
  }

  private static let writeWebhook = Statement(
    "write webhook endpoint",
    """
    insert into identity.webhook_endpoints (
      workspace_id, id, url, description, types, secret, former_secret, former_secret_until, state, disabled_reason, disabled_at, created_at,
      modified_at, version, deleted_at
    )
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
    on conflict (workspace_id, id) do update
    set
      url = excluded.url,
      description = excluded.description,
      types = excluded.types,
      secret = excluded.secret,
      former_secret = excluded.former_secret,
      former_secret_until = excluded.former_secret_until,
      state = excluded.state,
      disabled_reason = excluded.disabled_reason,
      disabled_at = excluded.disabled_at,
      modified_at = excluded.modified_at,
      version = excluded.version,
      deleted_at = excluded.deleted_at
    """)
}
