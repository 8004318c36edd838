import Foundation
import Models
import Postgres
import ProvisioningLog

/// Diagnoses failed requests when their log entries are written, from the current settings of the workspace and the token.
struct LogCauses: Sendable {
  let pool: PostgresPool

  /// A workspace and a token, from which a request came.
  private struct Sender: Hashable {
    var workspace: WorkspaceID
    var token: TokenID?

    init(of entry: LogEntry) {
      workspace = entry.workspace
      token = entry.token
    }
  }

  /// The cause of each entry; nil for requests that did not fail.
  func causes(of entries: [LogEntry]) async throws -> [Diagnosis.Cause?] {
    let senders = Set(entries.lazy.filter(\.isFailure).map(Sender.init))
    guard !senders.isEmpty else { return entries.map { _ in nil } }
    let contexts = try await contexts(of: Array(senders))
    return entries.map { entry in Diagnosis(of: entry, contexts[Sender(of: entry)] ?? DiagnosisContext())?.cause }
  }

  private func contexts(of senders: [Sender]) async throws -> [Sender: DiagnosisContext] {
    let rows = try await pool.query(
      Self.statement, [.uuidArray(senders.map(\.workspace.uuid)), .uuidArray(senders.map(\.token?.uuid))])
    var contexts: [Sender: DiagnosisContext] = [:]
    for row in rows {
      var context = DiagnosisContext()
      do {
        let settings: WorkspaceSettings = try JSONData.decode(from: try row.bytes(1), type: "workspace settings")
        context.settings = settings
      } catch is MessageError {
        // Settings of a newer build, for example. The entry is diagnosed without them.
      }
      if let name = try row.optionalString(2) {
        context.token = DiagnosisContext.Token(
          name: name, scopes: try row.textArray(3), expiresAt: try row.optionalTimestamp(4), revokedAt: try row.optionalTimestamp(5))
      }
      contexts[senders[try row.int(0)]] = context
    }
    return contexts
  }

  private static let statement = Statement(
    "context of causes",
    """
    select sender.position - 1, w.settings::text, t.name, t.scopes, t.expires_at, t.revoked_at
    from unnest($1::uuid[], $2::uuid[]) with ordinality as sender (workspace_id, token_id, position)
    join identity.workspaces w on w.id = sender.workspace_id
    left join identity.tokens t on t.workspace_id = sender.workspace_id and t.id = sender.token_id
    """)
}
