import Foundation
import Models

extension ServerAdministration {
  /// The imported accounts by id.
  ///
  /// - Parameter linked: Whether they are linked to users; nil for all.
  func accounts(linked: Bool?, limit: Int, in workspace: StoredWorkspace) async throws -> ListedItems<AccountRow> {
    try await client.list(
      of: AccountRow.self, .workspace("\(workspace.id)", "accounts"), "accounts",
      query: [(name: "linked", value: linked.map { $0 ? "true" : "false" })], limit: limit)
  }

  /// Checks a file of accounts, and reports what its import would do.
  ///
  /// - Throws: ``ServerProblem`` with the errors of lines; ``ScimctlError``.
  func checkAccounts(_ lines: [UInt8], in workspace: StoredWorkspace) async throws -> AccountImportReport {
    var request = importRequest(lines, in: workspace)
    request.query = [(name: "dryRun", value: "true")]
    return try await client.response(to: request).decoded(as: "report about an import")
  }

  /// Starts an import, or continues the one with the same key.
  ///
  /// - Parameter key: The key, which a repetition of the import has as well.
  /// - Throws: ``ServerProblem`` with the errors of lines; ``ScimctlError``.
  func importAccounts(_ lines: [UInt8], key: String, in workspace: StoredWorkspace) async throws -> AccountImportRow {
    var request = importRequest(lines, in: workspace)
    request.idempotencyKey = key
    return try await client.response(to: request).decoded(as: "import")
  }

  /// Waits until an import has ended.
  ///
  /// - Parameter progress: Is called after each look at the import that has progressed.
  func finishedImport(
    _ started: AccountImportRow, in workspace: StoredWorkspace, _ progress: (AccountImportRow) -> Void
  ) async throws -> AccountImportRow {
    var current = started
    while !current.isFinished {
      try await Task.sleep(for: .seconds(1))
      let next: AccountImportRow = try await client.get(.workspace("\(workspace.id)", "accounts", "imports", "\(started.id)"))
        .decoded(as: "import")
      if next.position != current.position { progress(next) }
      current = next
    }
    return current
  }

  private func importRequest(_ lines: [UInt8], in workspace: StoredWorkspace) -> ManagementRequest {
    var request = ManagementRequest(.post, .workspace("\(workspace.id)", "accounts"))
    request.body = lines
    request.contentType = "application/x-ndjson"
    request.timeout = .seconds(600)
    return request
  }
}
