import EdgeHTTP
import EdgeReads
import Models
import SCIM

/// Sends the commands about webhook endpoints for the console's forms.
struct WebhookCommandSender: Sendable {
  let query: WebhooksQuery
  let commands: CommandClient

  /// A command that identity-store rejected.
  struct Refusal: Sendable {
    var status: Int
    var error: APIError
    /// Whether a value of the endpoint is invalid, and not the state or the number of endpoints.
    var isAboutValue: Bool
  }

  /// The endpoint with the id in the path.
  ///
  /// - Throws: 404 if the workspace has no such endpoint.
  func webhook(_ context: ConsoleContext) async throws -> StoredWebhook {
    guard let id = context.parameters.get("id").flatMap({ WebhookID($0) }),
      let webhook = try await query.endpoint(id, of: context.workspace)
    else { throw APIError(404, "The workspace has no such webhook endpoint. Another admin may have deleted it.") }
    return webhook
  }

  /// Sends a command. Returns the error if it is rejected.
  ///
  /// - Parameter version: the version of the endpoint for which the command may be executed; nil for any.
  /// - Throws: the error of identity-store if the status is at least 500.
  func refusal(
    of operation: Command.Operation, expecting version: Int64? = nil, _ context: ConsoleContext
  ) async throws -> Refusal? {
    let outcome = try await commands.execute(
      operation, on: context.workspace.resource, expecting: version.map { [$0] }, for: context.session.caller, info: context.info)
    guard case .refused(let status, let stored) = outcome else { return nil }
    let error = APIError(status: status, stored: stored)
    guard status < 500 else { throw error }
    return Refusal(status: status, error: error, isAboutValue: Self.type(of: stored) == SCIMErrorType.invalidValue.rawValue)
  }

  /// Sends a command.
  ///
  /// - Throws: the error of identity-store if it is rejected.
  func execute(_ operation: Command.Operation, _ context: ConsoleContext) async throws {
    if let refusal = try await refusal(of: operation, context) { throw refusal.error }
  }

  /// The `scimType` of a stored error; nil if it has none.
  private static func type(of stored: [UInt8]) -> String? {
    do { return try JSON(parsing: stored).object?["scimType"]?.string } catch { return nil }
  }
}
