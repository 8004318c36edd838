import Models
import Postgres
import ServiceKit

/// What commands can do with the data of a workspace.
typealias DataAdministration = AuditAdministration & DirectoryAdministration & GroupAdministration & HeldChangeAdministration
  & InvitationAdministration & LogAdministration & ReceiptAdministration & SignInAdministration & UserAdministration

/// What commands can do with a deployment, whichever way they reach it.
typealias Administration = DataAdministration & ConsoleAdministration & InvitationTemplateAdministration & RebuildAdministration
  & TokenAdministration & WorkspaceAdministration

/// Runs `body` with the deployment that the command line and the settings select: the only place where a command's way is decided.
///
/// - Throws: Whatever `body` throws; ``ScimctlError`` or `SettingsError` if no deployment is selected; `PostgresError`.
func withAdministration<Value: Sendable>(_ body: (any Administration) async throws -> Value) async throws -> Value {
  let settings = try await Settings.forConnection()
  switch try Connection.selected(settings) {
  case .server(let server):
    return try await ManagementClient.with(server) { client in
      try await body(ServerAdministration(settings: settings, client: client))
    }
  case .direct:
    let settings = try await Settings.forReading()
    return try await withDatabase(settings) { pool in
      try await body(DirectAdministration(settings: settings, pool: pool))
    }
  }
}

/// Runs `body` with a client of the selected server, for commands that need one.
///
/// - Parameter command: The command, for the error.
/// - Throws: Whatever `body` throws; ``ScimctlError`` or `SettingsError` if no server is selected.
func withServer<Value: Sendable>(
  for command: String, _ body: (ServerAdministration) async throws -> Value
) async throws -> Value {
  let settings = try await Settings.forConnection()
  guard case .server(let server) = try Connection.selected(settings) else {
    throw ScimctlError(
      .configuration, "'scimctl \(command)' needs the management API. Use --server URL with ROLLCALL_TOKEN, or 'scimctl login --server URL'"
    )
  }
  return try await ManagementClient.with(server) { client in
    try await body(ServerAdministration(settings: settings, client: client))
  }
}

/// Administration through the management API of a server.
struct ServerAdministration: Sendable {
  let settings: ServiceSettings
  let client: ManagementClient
}

/// Administration with the database, and with commands to identity-store.
struct DirectAdministration: Sendable {
  let settings: ServiceSettings
  let pool: PostgresPool

  /// Executes a command.
  ///
  /// - Throws: ``ScimctlError`` if identity-store rejects it or does not answer; `SettingsError`; `KafkaError`; `PostgresError`.
  func execute(_ operation: Command.Operation, on resource: ResourceID? = nil, in workspace: WorkspaceID) async throws {
    let settings = try await Settings.forWriting()
    try await withCommandClient(settings, pool: pool) { try await $0.execute(operation, on: resource, in: workspace) }
  }
}
