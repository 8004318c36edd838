import ArgumentParser
import Foundation
import Models
import SCIM

/// `scimctl workspace export SLUG`, which prints everything of a workspace that moves to another deployment.
struct ExportWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print a workspace as JSON, one object per line, for 'workspace import' in another deployment.",
    discussion: """
      Settings, users, groups with their members, imported accounts and webhooks. Not tokens, OAuth clients, sessions, secrets of webhooks, logs, \
      the audit trail and mails. Stop the provisioning before: what changes after the export is not in it.
      """)

  @Argument(help: "The workspace's slug.")
  var slug: String

  func run() async throws {
    try await withServer(for: "workspace export") { server in
      var request = ManagementRequest(.get, .workspace(slug, "export"))
      request.timeout = .seconds(900)
      var lines = ExportLines()
      try await server.client.stream(request) { part in
        FileHandle.standardOutput.write(Data(part))
        lines.read(part)
      }
      guard lines.isComplete else {
        throw ScimctlError(.temporary, "the connection ended before the end of the export, which is incomplete: run the command again")
      }
    }
  }
}

/// `scimctl workspace import FILE`, which creates the workspace of an export.
struct ImportWorkspace: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Create a workspace from the file of 'workspace export'.",
    discussion: """
      The file is checked as a whole; errors are printed with their lines, and nothing is imported then. The import is applied in the background \
      while the command shows its progress. People who were invited stay invited and get no new mail. Afterwards, issue a token, verify the mail \
      domains, and give the webhooks new secrets. Needs a deployment-wide token.
      """)

  @Argument(help: "The file, at most 250,000 lines and 1 GiB; - for standard input.")
  var file: String

  @Option(help: "Another slug.")
  var slug: String?

  @Flag(help: "Give the workspace a new id, because this deployment has or had one with its id. Users and groups keep theirs.")
  var newID = false

  @Flag(help: "Assert the mail domains as the operator. Otherwise they wait for their verification by DNS.")
  var assertDomains = false

  @Flag(help: "Import nothing; check the file.")
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
    var request = ManagementRequest(.post, .admin("workspace-imports"))
    request.body = try content()
    request.contentType = "application/x-ndjson"
    request.timeout = .seconds(3600)
    request.query = [
      (name: "slug", value: slug), (name: "newId", value: newID ? "true" : nil),
      (name: "assertDomains", value: assertDomains ? "true" : nil), (name: "dryRun", value: dryRun ? "true" : nil),
    ]
    let sent = request
    try await withServer(for: "workspace import") { server in
      do {
        if dryRun { try await check(sent, server) } else { try await importAll(sent, server) }
      } catch let problem as ServerProblem {
        for item in problem.errors {
          if let line = item.line { StandardError.print(PlainText.line("\(file):\(line): \(item.detail)")) }
        }
        var problem = problem
        problem.errors = problem.errors.filter { $0.line == nil }
        throw ScimctlError(problem, from: server.client.server.site)
      }
    }
  }

  private func check(_ request: ManagementRequest, _ server: ServerAdministration) async throws {
    let report: WorkspaceImportReport = try await server.client.response(to: request).decoded(as: "report about an import")
    try output.print(report) { report.description }
  }

  private func importAll(_ request: ManagementRequest, _ server: ServerAdministration) async throws {
    let key = resume ?? UUID().uuidString.lowercased()
    StandardError.print("scimctl: if the import is interrupted, add --resume \(key) to continue it")
    var keyed = request
    keyed.idempotencyKey = key
    var current: WorkspaceImportRow = try await server.client.response(to: keyed).decoded(as: "import")
    while !current.isFinished {
      try await Task.sleep(for: .seconds(1))
      let next: WorkspaceImportRow = try await server.client.get(.admin("workspace-imports", "\(current.workspace)")).decoded(as: "import")
      if next.position != current.position { StandardError.print("scimctl: part \(next.position) of \(next.parts ?? 0) is applied") }
      current = next
    }
    let finished = current
    try output.print(finished) { finished.description }
    guard finished.status == "done" else {
      throw ScimctlError(
        .rejected, "the import of workspace \(finished.workspace) failed: \(finished.problem ?? "the server gave no reason")")
    }
    StandardError.print("scimctl: next, issue a token, verify the mail domains, and give the webhooks new secrets")
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
}

/// An import of a workspace, in the form of the management API.
struct WorkspaceImportRow: Sendable, Equatable, Codable {
  var id: CommandID
  var workspace: WorkspaceID
  /// `staging`, `waiting`, `applying`, `done` or `failed`.
  var status: String
  var createdAt: Date
  var startedAt: Date?
  var finishedAt: Date?
  /// The number of parts, which are applied one after the other.
  var parts: Int?
  /// The number of lines of the file.
  var lines: Int?
  /// The last part that is applied.
  var position: Int
  var problem: String?

  /// Whether the import has ended.
  var isFinished: Bool { status == "done" || status == "failed" }

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["workspace", "\(workspace)"])
    table.append(["status", status])
    table.append(["lines", lines.map { "\($0)" }])
    table.append(["finished", finishedAt.map { Timestamp.text($0) }])
    return table
  }
}

/// What an import would create, in the form of the management API.
struct WorkspaceImportReport: Sendable, Equatable, Codable {
  var dryRun: Bool
  var workspace: WorkspaceID
  var slug: String
  /// The number of lines of the file.
  var lines: Int
  /// The numbers of records, by type.
  var counts: [String: Int]

  /// One property per line.
  var description: Table {
    var table = Table()
    table.append(["workspace", "\(workspace)"])
    table.append(["slug", slug])
    table.append(["lines", "\(lines)"])
    for (kind, count) in counts.sorted(by: { $0.key < $1.key }) where kind != "workspace" { table.append([kind, "\(count)"]) }
    return table
  }
}
