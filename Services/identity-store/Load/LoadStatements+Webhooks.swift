import Foundation
import Models
import Postgres

/// A row of `identity.webhook_endpoints`.
struct WebhookRecord: Sendable, Equatable {
  /// The endpoint; without secrets if it is deleted.
  var endpoint: WebhookEndpoint
  var modifiedAt: Date
  var deletedAt: Date?

  var isDeleted: Bool { deletedAt != nil }
}

extension LoadStatements {
  /// All webhook endpoints of workspaces. No other batch writes them meanwhile, because of the lock of ``WriteSet/nameLocks``.
  static func webhooks(of owners: Set<WorkspaceID>) -> Load {
    Load(statement: webhookStatement, parameters: [.uuidArray(owners.sorted().map(\.uuid))]) { row, set in
      set.load(try webhookRecord(row))
    }
  }

  private static let webhookStatement = Statement(
    "load webhook endpoints",
    """
    select
      workspace_id, id, url, description, types, secret, former_secret, former_secret_until, state, disabled_reason, disabled_at, created_at,
      modified_at, version, deleted_at
    from identity.webhook_endpoints
    where workspace_id = any ($1)
    """)

  private static func webhookRecord(_ row: Row) throws -> WebhookRecord {
    let state = try row.string(8)
    guard let state = WebhookEndpoint.State(rawValue: state) else { throw UnknownWebhookState(state: state) }
    let endpoint = WebhookEndpoint(
      id: WebhookID(try row.uuid(1)), workspace: WorkspaceID(try row.uuid(0)), url: try row.string(2), description: try row.string(3),
      // A type that this build does not know was added by a newer release, whose processes publish it.
      types: try row.optionalTextArray(4)?.compactMap(DirectoryEvent.Kind.init(rawValue:)), sealedSecret: try row.bytes(5),
      formerSealedSecret: try row.optionalBytes(6), formerSecretUntil: try row.optionalTimestamp(7), state: state,
      disabledReason: try row.optionalString(9), disabledAt: try row.optionalTimestamp(10), createdAt: try row.timestamp(11),
      version: Int64(try row.int(13)))
    return WebhookRecord(endpoint: endpoint, modifiedAt: try row.timestamp(12), deletedAt: try row.optionalTimestamp(14))
  }
}

/// The error for a state of an endpoint in the database that this build does not know.
struct UnknownWebhookState: Error, CustomStringConvertible {
  var state: String
  var description: String { "identity.webhook_endpoints has the unknown state '\(state)'; this build is older than the database" }
}
