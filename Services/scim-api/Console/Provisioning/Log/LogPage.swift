import EdgeHTTP
import EdgeReads
import Foundation
import Models
import Postgres
import ProvisioningLog

/// *Provisioning › Log*: what identity providers sent and what became of it.
struct LogPage: Sendable {
  let database: Database
  private let template: ConsoleTemplate

  init(database: Database) throws {
    self.database = database
    template = try ConsoleTemplate(PackageResources.provisioningLog_mustache)
  }

  var all: [ConsoleEndpoint] { [.page("/provisioning", show)] }

  @Sendable private func show(_ parameters: QueryParameters, _ context: ConsoleContext) async throws -> ConsolePage {
    let workspace = context.workspace
    let search = LogSearch(parameters)
    let last = try parameters["after"].map { text throws(APIError) in
      guard let id = LogEntryID(text) else { throw APIError(400, .invalidValue, "The list has no such part. Begin at its first.") }
      return id
    }
    async let tabs = ProvisioningTab.all(on: .log, in: workspace, of: database)
    let found =
      search.wrong == nil
      ? try await LogRepository(database, in: workspace).part(
        of: search.filter(at: Date()), after: last, limit: LogList.count + 1, in: workspace) : []
    let tokens = try await TokenNames(database: database).names(of: Set(found.compactMap(\.entry.token)), in: workspace)
    let list = LogList(
      search, found, tokens: tokens, settings: context.session.caller.settings, tabs: try await tabs, isFirst: last == nil)
    return ConsolePage(
      title: "Provisioning log", section: .provisioning, status: list.wrong == nil ? .ok : .unprocessableContent, template: template,
      values: list)
  }
}

extension LogRepository {
  /// As the edge reads it: with the rows of one workspace in sight.
  init(_ database: Database, in workspace: WorkspaceID) {
    self.init { try await database.query($0, $1, in: workspace) }
  }
}

/// What tokens are called.
struct TokenNames: Sendable {
  let database: Database

  func names(of tokens: Set<TokenID>, in workspace: WorkspaceID) async throws -> [TokenID: String] {
    guard !tokens.isEmpty else { return [:] }
    let rows = try await database.query(
      Self.statement, [.uuid(workspace.uuid), .uuidArray(tokens.sorted().map(\.uuid))], in: workspace)
    return try Dictionary(rows.map { (TokenID(try $0.uuid(0)), try $0.string(1)) }) { first, _ in first }
  }

  private static let statement = Statement(
    "console_token_names",
    """
    select id, name
    from identity_read.tokens
    where workspace_id = $1
    and id = any ($2)
    """)
}
