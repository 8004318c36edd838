import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl user import FILE`, which imports existing accounts of the product.
struct ImportAccounts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Import the product's existing accounts, whose owners are then linked instead of invited.",
    discussion: """
      The file has one JSON object per line: id (the product's own), email (verified by the product), and optionally externalId and state \
      (active, disabled or deleted). It is checked as a whole; errors are printed with their lines, and nothing is imported then. The import is \
      applied in the background while the command shows its progress. A file can be imported again: accounts that are stored get the new values.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The file with the accounts, at most 100,000 lines and 32 MiB; - for standard input.")
  var file: String

  @Flag(help: "Import nothing; print what the import would do.")
  var dryRun = false

  @Option(
    help: ArgumentHelp("Continue an import that was interrupted, by the key that it printed. The file must be the same.", valueName: "key"))
  var resume: String?

  @OptionGroup var output: OutputOption

  func validate() throws {
    if dryRun, resume != nil { throw ValidationError("--dry-run and --resume exclude each other.") }
    if let resume, !(8...255).contains(resume.count) {
      throw ValidationError("--resume has 8 to 255 characters, as the import printed it.")
    }
  }

  func run() async throws {
    let lines = try content()
    try await withServer(for: "user import") { server in
      let workspace = try await server.workspace(workspace)
      do {
        if dryRun {
          let effect = try await server.checkAccounts(lines, in: workspace)
          try output.print(effect) { effect.description }
        } else {
          try await importAll(lines, in: workspace, server)
        }
      } catch let problem as ServerProblem {
        report(problem.errors.compactMap { item in item.line.map { AccountImportRow.Failure(line: $0, detail: item.detail) } })
        var problem = problem
        problem.errors = problem.errors.filter { $0.line == nil }
        throw ScimctlError(problem, from: server.client.server.site)
      }
    }
  }

  private func importAll(_ lines: [UInt8], in workspace: StoredWorkspace, _ server: ServerAdministration) async throws {
    let key = resume ?? UUID().uuidString.lowercased()
    StandardError.print("scimctl: if the import is interrupted, add --resume \(key) to continue it")
    let started = try await server.importAccounts(lines, key: key, in: workspace)
    let finished = try await server.finishedImport(started, in: workspace) { row in
      StandardError.print("scimctl: line \(row.position) of the file is applied, of \(row.lines ?? 0) accounts")
    }
    report(finished.errors ?? [])
    try output.print(finished) { finished.description }
    guard finished.status == "done" else {
      throw ScimctlError(.rejected, "the import \(finished.id) failed: correct the lines above, and import the file again")
    }
  }

  /// The content of the file or of standard input.
  private func content() throws(ScimctlError) -> [UInt8] {
    do {
      let data =
        file == "-" ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(fileURLWithPath: file))
      return [UInt8](data)
    } catch {
      throw ScimctlError(.notFound, "the file '\(file)' cannot be read: \(error.localizedDescription)")
    }
  }

  /// Prints the lines with errors, in the form that editors understand.
  private func report(_ failures: [AccountImportRow.Failure]) {
    for failure in failures { StandardError.print(PlainText.line("\(file):\(failure.line): \(failure.detail)")) }
  }
}

/// `scimctl user accounts`, which lists imported accounts.
struct ListAccounts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accounts",
    abstract: "List imported accounts that the identity provider never pushed: account, email, state, externalId, user.")

  @OptionGroup var workspace: WorkspaceOption

  @Flag(help: "List the accounts that are linked to users instead.")
  var linked = false

  @Flag(help: "List all accounts.")
  var all = false

  @Option(help: "The maximum number of accounts.")
  var limit = 1000

  @OptionGroup var output: OutputOption

  func validate() throws {
    guard limit > 0 else { throw ValidationError("--limit must be at least 1.") }
    if linked, all { throw ValidationError("--linked and --all exclude each other.") }
  }

  func run() async throws {
    try await withServer(for: "user accounts") { server in
      let workspace = try await server.workspace(workspace)
      let found = try await server.accounts(linked: all ? nil : linked, limit: limit, in: workspace)
      try output.print(found.items, as: AccountRow.table)
      if found.isCut { StandardError.print("scimctl: only the first \(limit) are listed; use --limit to list more") }
    }
  }
}

/// `scimctl user link-account WHO ACCOUNT`, which links a user to an imported account.
struct LinkAccount: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "link-account", abstract: "Link a user to an imported account. The user is active at once.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument

  @Argument(help: "The product's id of the account; see 'scimctl user accounts'.")
  var account: String

  func run() async throws {
    try await withServer(for: "user link-account") { server in
      let workspace = try await server.workspace(workspace)
      let found = try await server.user(user.who, in: workspace)
      let body: JSONObject = ["user": .string("\(found.id)"), "account": .string(account)]
      try await server.client.post(.workspace("\(workspace.id)", "accounts", "links"), body)
      print("\(PlainText.line(found.userName)) of \(workspace.settings.slug) is linked to account \(PlainText.line(account))")
    }
  }
}

/// `scimctl user unlink-account WHO`, which removes the link of a user.
struct UnlinkAccount: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unlink-account", abstract: "Remove the link of a user to an account.",
    discussion: "For a user who waits for a decision, it says that the account is another person's: the user is invited.")

  @OptionGroup var workspace: WorkspaceOption
  @OptionGroup var user: UserArgument

  func run() async throws {
    try await withServer(for: "user unlink-account") { server in
      let workspace = try await server.workspace(workspace)
      let found = try await server.user(user.who, in: workspace)
      try await server.client.delete(.workspace("\(workspace.id)", "accounts", "links", "\(found.id)"))
      print("\(PlainText.line(found.userName)) of \(workspace.settings.slug) is not linked to an account any more")
    }
  }
}
