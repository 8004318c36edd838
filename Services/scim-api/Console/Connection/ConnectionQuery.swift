import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import ProvisioningLog

/// The stored settings of a workspace.
struct StoredSettings: Sendable, Equatable {
  var settings: WorkspaceSettings
  /// The version, which increases with each change.
  var version: Int64
}

/// Reads the data of the connection page.
struct ConnectionQuery: Sendable {
  let database: Database

  /// The maximum number of requests.
  private static let maximumRequests = 10

  /// The settings of a workspace.
  ///
  /// - Throws: 404 if the workspace does not exist.
  func settings(of workspace: WorkspaceID) async throws -> StoredSettings {
    guard let row = try await database.query(Self.settings, [.uuid(workspace.uuid)], in: workspace).first else {
      throw APIError(404, "The workspace no longer exists.")
    }
    return StoredSettings(
      settings: try JSONData.decode(from: try row.bytes(0), type: "workspace settings"), version: Int64(try row.int(1)))
  }

  /// The number of users who are invited or active.
  func seatsTaken(in workspace: WorkspaceID) async throws -> Int {
    try await database.query(Self.seats, [.uuid(workspace.uuid)], in: workspace).first?.int(0) ?? 0
  }

  /// The names of active tokens and OAuth clients with the scope scim.
  func tokens(of workspace: WorkspaceID) async throws -> [String] {
    try await database.query(Self.tokens, [.uuid(workspace.uuid)], in: workspace).map { try $0.string(0) }
  }

  /// The latest requests of identity providers in the provisioning log, newest first.
  func requests(of workspace: WorkspaceID) async throws -> [LogEntry] {
    var selection = LogRepository.Selection()
    selection.limit = Self.maximumRequests
    return try await log(of: workspace).entries(selection, in: workspace).map(\.entry).filter(\.isProviderRequest).reversed()
  }

  /// The diagnosis of a failed request; nil if it succeeded.
  func diagnosis(of entry: LogEntry) async throws -> Diagnosis? {
    try await log(of: entry.workspace).diagnosis(of: entry)
  }

  private func log(of workspace: WorkspaceID) -> LogRepository {
    LogRepository { [database] statement, parameters in try await database.query(statement, parameters, in: workspace) }
  }
}

extension LogEntry {
  /// Whether the entry is a SCIM request of an identity provider, or summarises requests with an unknown token. Excludes operations of a bulk
  /// request and resent requests.
  var isProviderRequest: Bool { bulk == nil && replayOf == nil && (unverified != nil || path.hasPrefix(ResourcePath.base)) }
}

extension ConnectionQuery {
  private static let settings = Statement(
    "console settings",
    """
    select settings::text, version
    from identity_read.workspaces
    where id = $1
    """)

  private static let seats = Statement(
    "console seats",
    """
    select invited + active
    from identity_read.state_totals
    where workspace_id = $1
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
