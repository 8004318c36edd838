import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import ProvisioningLog

/// A workspace's settings as they are stored now.
struct StoredSettings: Sendable, Equatable {
  var settings: WorkspaceSettings
  /// Counts their changes.
  var version: Int64
}

/// Reads what the page about the connection shows.
struct ConnectionQuery: Sendable {
  let database: Database

  /// The most calls that are looked at.
  private static let maximumCalls = 10

  /// - Throws: 404 where the workspace is gone.
  func settings(of workspace: WorkspaceID) async throws -> StoredSettings {
    guard let row = try await database.query(Self.settings, [.uuid(workspace.uuid)], in: workspace).first else {
      throw APIError(404, "There is no such workspace any more.")
    }
    return StoredSettings(
      settings: try JSONData.decode(from: try row.bytes(0), type: "workspace settings"), version: Int64(try row.int(1)))
  }

  /// The names of tokens and OAuth clients that an identity provider can use.
  func tokens(of workspace: WorkspaceID) async throws -> [String] {
    try await database.query(Self.tokens, [.uuid(workspace.uuid)], in: workspace).map { try $0.string(0) }
  }

  /// The latest calls of identity providers that the provisioning log has, the newest first.
  func calls(of workspace: WorkspaceID) async throws -> [LogEntry] {
    var selection = LogRepository.Selection()
    selection.limit = Self.maximumCalls
    return try await log(of: workspace).entries(selection, in: workspace).map(\.entry).filter(\.isCall).reversed()
  }

  /// What a call failed for; nil where it did not fail.
  func diagnosis(of entry: LogEntry) async throws -> Diagnosis? {
    try await log(of: entry.workspace).diagnosis(of: entry)
  }

  private func log(of workspace: WorkspaceID) -> LogRepository {
    LogRepository { [database] statement, parameters in try await database.query(statement, parameters, in: workspace) }
  }
}

extension LogEntry {
  /// Whether it is a request that somebody sent to SCIM, or several with a token that was never issued: no part of one, and none that was
  /// sent again from here.
  var isCall: Bool { bulk == nil && replayOf == nil && (unverified != nil || path.hasPrefix(ResourcePath.base)) }
}

extension ConnectionQuery {
  private static let settings = Statement(
    "console settings",
    """
    select settings::text, version
    from identity_read.workspaces
    where id = $1
    """)

  private static let tokens = Statement(
    "console scim tokens",
    """
    select name
    from identity_read.tokens
    where workspace_id = $1
    and revoked_at is null
    and (expires_at is null or expires_at > now())
    and 'scim' = any (scopes)
    order by id
    limit 20
    """)
}
