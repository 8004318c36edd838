import EdgeHTTP
import EdgeReads
import Hummingbird
import Models

/// Renders the page *Access* for its controllers.
struct AccessPages: Sendable {
  private let query: ConnectionQuery
  private let template: ConsoleTemplate

  /// - Throws: an error if the embedded template cannot be parsed.
  init(database: Database) throws {
    query = ConnectionQuery(database: database)
    template = try ConsoleTemplate(PackageResources.access_domains_mustache + PackageResources.access_mustache)
  }

  /// The present settings of the workspace.
  func settings(_ context: ConsoleContext) async throws -> StoredSettings { try await query.settings(of: context.workspace) }

  /// The page with the present settings.
  ///
  /// - Parameter input: what is shown instead of the settings, with errors.
  func page(_ context: ConsoleContext, showing input: AccessInput = AccessInput(), status: Int = 200) async throws -> ConsolePage {
    async let seatsTaken = query.seatsTaken(in: context.workspace)
    let stored = try await settings(context)
    let view = AccessView(stored, input, seatsTaken: try await seatsTaken)
    return ConsolePage(
      title: "Settings › Access", section: .access, status: HTTPResponse.Status(code: status), template: template, values: view)
  }
}
