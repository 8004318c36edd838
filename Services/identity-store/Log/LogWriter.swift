import Foundation
import Models
import Postgres
import ProvisioningLog

/// Writes entries of the provisioning log, many with one statement. An entry that comes again changes nothing, and one of a workspace that
/// does not exist (a token can be made up) is left out.
struct LogWriter: Sendable {
  let pool: PostgresPool

  static let insert = Statement(
    "insert log entries",
    """
    insert into identity.provisioning_log (workspace_id, id, status, failed, resource_type, resource_id, name_key, entry)
    select workspace_id, id, status, failed, resource_type, resource_id, name_key, entry
    from unnest($1::uuid[], $2::uuid[], $3::int8[], $4::bool[], $5::text[], $6::uuid[], $7::text[], $8::text[])
      as written (workspace_id, id, status, failed, resource_type, resource_id, name_key, entry)
    where exists (select from identity.workspaces w where w.id = written.workspace_id)
    order by workspace_id, id
    on conflict (workspace_id, id) do nothing
    """)

  func write(_ entries: [LogEntry]) async throws {
    guard !entries.isEmpty else { return }
    _ = try await pool.query(
      Self.insert,
      [
        .uuidArray(entries.map(\.workspace.uuid)), .uuidArray(entries.map(\.id.uuid)), .intArray(entries.map { Int64($0.status) }),
        .boolArray(entries.map(\.isFailure)), .textArray(entries.map(\.resourceType?.rawValue)),
        .uuidArray(entries.map(\.resource?.uuid)), .textArray(entries.map { $0.name?.lowercased() }),
        .textArray(entries.map { String(decoding: $0.json(), as: UTF8.self) }),
      ])
  }
}
