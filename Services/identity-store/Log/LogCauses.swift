import Foundation
import Models
import Postgres
import ProvisioningLog

/// Diagnoses failed requests when their log entries are written, from the current settings of the workspace and the token.
struct LogCauses: Sendable {
  let pool: PostgresPool

  /// The cause of each entry; nil for requests that did not fail.
  func causes(of entries: [LogEntry]) async throws -> [Diagnosis.Cause?] {
    let failed = entries.filter(\.isFailure)
    guard !failed.isEmpty else { return entries.map { _ in nil } }
    let settings = try await settings(of: Set(failed.map(\.workspace)))
    let tokens = try await tokens(of: failed)
    return entries.map { entry in
      var context = DiagnosisContext()
      context.settings = settings[entry.workspace]
      context.token = entry.token.flatMap { tokens[ResourceKey(workspace: entry.workspace, id: $0.resource)] }
      return Diagnosis(of: entry, context)?.cause
    }
  }

  private func settings(of workspaces: Set<WorkspaceID>) async throws -> [WorkspaceID: WorkspaceSettings] {
    var settings: [WorkspaceID: WorkspaceSettings] = [:]
    for row in try await pool.query(Self.settingsStatement, [.uuidArray(workspaces.map(\.uuid))]) {
      do {
        settings[WorkspaceID(try row.uuid(0))] = try JSONData.decode(from: try row.bytes(1), type: "workspace settings")
      } catch is MessageError {
        // Settings of a newer build, for example. The entry is diagnosed without them.
      }
    }
    return settings
  }

  private func tokens(of entries: [LogEntry]) async throws -> [ResourceKey: DiagnosisContext.Token] {
    let keys = Set(entries.compactMap { entry in entry.token.map { ResourceKey(workspace: entry.workspace, id: $0.resource) } })
    guard !keys.isEmpty else { return [:] }
    var tokens: [ResourceKey: DiagnosisContext.Token] = [:]
    for row in try await pool.query(Self.tokensStatement, keys.sorted().columns) {
      tokens[ResourceKey(workspace: WorkspaceID(try row.uuid(0)), id: ResourceID(try row.uuid(1)))] = DiagnosisContext.Token(
        name: try row.string(2), scopes: try row.textArray(3), expiresAt: try row.optionalTimestamp(4),
        revokedAt: try row.optionalTimestamp(5))
    }
    return tokens
  }

  private static let settingsStatement = Statement(
    "settings for causes",
    """
    select id, settings::text
    from identity.workspaces
    where id = any ($1)
    """)

  private static let tokensStatement = Statement(
    "tokens for causes",
    """
    select t.workspace_id, t.id, t.name, t.scopes, t.expires_at, t.revoked_at
    from unnest($1::uuid[], $2::uuid[]) as sought (workspace_id, id)
    join identity.tokens t on t.workspace_id = sought.workspace_id and t.id = sought.id
    """)
}
