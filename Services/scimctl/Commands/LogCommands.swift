import ArgumentParser
import Credentials
import Foundation
import Models
import Postgres
import ProvisioningLog
import ServiceKit

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// `scimctl log`, the commands for the provisioning log.
struct LogCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "The provisioning log: requests of identity providers, and why they failed.",
    subcommands: [TailLog.self, ShowLogEntry.self, ReplayLogEntry.self])
}

/// `scimctl log tail`, which lists entries.
struct TailLog: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "List requests, the latest last: time, status, method, path, user or group, identity provider, id, result.",
    discussion: "The log contains writes and rejected requests. 'scimctl log show ID' explains a failure and how to fix it.")

  @OptionGroup var workspace: WorkspaceOption

  @Flag(name: [.customShort("f"), .long], help: "Wait for new entries and print them.")
  var follow = false

  @Flag(help: "Only rejected requests.")
  var failed = false

  @Option(help: "Only entries about a user or group: userName, email, displayName or id.")
  var user: String?

  @Option(help: ArgumentHelp("Only entries since 2h, 3d, or a time such as 2026-01-31T08:00:00Z.", valueName: "time"))
  var since: PastTime?

  @Option(help: "Only entries with this status: 404, 4xx, or a range such as 400-499.")
  var status: StatusRange?

  @Option(help: "The maximum number of entries at first.")
  var limit = 50

  @Flag(help: "Print one JSON object per line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be between 1 and 100000.") }
  }

  /// The filter that the options describe.
  func selection(at now: Date) -> LogRepository.Selection {
    var selection = LogRepository.Selection()
    selection.failedOnly = failed
    selection.subject = user
    selection.status = status?.range
    selection.since = since?.time(at: now)
    selection.limit = limit
    return selection
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let log = LogRepository { try await pool.query($0, $1) }
      var selection = selection(at: .now)
      var shown: Set<LogEntryID> = []
      var first = true
      repeat {
        let listed = try await log.entries(selection, in: workspace.id).filter { shown.insert($0.entry.id).inserted }
        show(listed)
        guard follow else { return }
        if first { selection.limit = 10_000 }
        first = false
        // Entries are stored a moment after their time, and not in order.
        selection.since = max(since?.time(at: .now) ?? .distantPast, Date.now - Self.maximumDelay)
        try await Task.sleep(for: .seconds(1))
      } while true
    }
  }

  /// How long after its time an entry may be stored and is still printed, in seconds.
  private static let maximumDelay: TimeInterval = 120

  private func show(_ listed: [LogRepository.Listed]) {
    if json {
      for item in listed { print(String(decoding: item.entry.json(), as: UTF8.self)) }
    } else {
      Self.table(of: listed).print()
    }
    // Output to a pipe is buffered otherwise.
    fflush(nil)
  }

  /// One row per entry.
  static func table(of listed: [LogRepository.Listed]) -> Table {
    var table = Table()
    for item in listed {
      let entry = item.entry
      table.append([
        Timestamp.text(entry.at), String(entry.status), entry.method,
        entry.unverified.map { "unverified sender, \($0.requests) \($0.requests == 1 ? "request" : "requests")" } ?? shortened(entry.path),
        entry.name ?? item.presentName,
        entry.identityProvider, "\(entry.id)", answer(entry),
      ])
    }
    return table
  }

  /// The result of a request in a few words.
  private static func answer(_ entry: LogEntry) -> String? {
    if let operations = entry.operations { return "\(operations.failed) of \(operations.count) operations failed" }
    if let relink = entry.relink { return relink.summary }
    if entry.isPartlyApplied { return "partly applied, without \(entry.unapplied.map(\.path).joined(separator: ", "))" }
    guard let detail = entry.detail else { return entry.scimType }
    let excerpt = detail.count > 100 ? detail.prefix(99) + "…" : detail[...]
    return entry.scimType.map { "\($0): \(excerpt)" } ?? String(excerpt)
  }

  /// The path without the common prefix.
  private static func shortened(_ path: String) -> String {
    let base = "/api/v2/scim"
    return path.hasPrefix(base + "/") ? String(path.dropFirst(base.count).prefix(60)) : String(path.prefix(60))
  }
}

/// `scimctl log show ID`, which shows an entry.
struct ShowLogEntry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all fields of an entry, why the request failed, and how to fix it.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the entry, or its first characters; see 'scimctl log tail'.", transform: LogCommands.entryID)
  var id: IDPrefix

  @Flag(help: "Print a JSON object.")
  var json = false

  func run() async throws {
    let settings = try await Settings.forReading()
    let (entry, diagnosis) = try await withDatabase(settings) { pool in
      let log = LogRepository { try await pool.query($0, $1) }
      let entry = try await LogCommands.entry(id, in: try await workspace.resolve(settings, on: pool), on: pool)
      return (entry, try await log.diagnosis(of: entry))
    }
    if json {
      print(LogEntryText.json(entry, diagnosis))
    } else {
      for line in LogEntryText.lines(entry, diagnosis) { print(line) }
    }
  }
}

extension LogCommands {
  /// Parses the id of an entry or its first characters.
  ///
  /// - Throws: `ValidationError`.
  @Sendable static func entryID(_ text: String) throws -> IDPrefix { try IDPrefix(text, list: listCommand) }

  private static let listCommand = "scimctl log tail"

  /// Finds an entry by its id or the first characters of it.
  ///
  /// - Throws: ``ScimctlError`` if no id or several ids match; `PostgresError`.
  static func entry(_ prefix: IDPrefix, in workspace: StoredWorkspace, on pool: PostgresPool) async throws -> LogEntry {
    let id = LogEntryID(try await prefix.resolve("entry", list: listCommand, in: workspace, on: pool, IDQueries.logEntryIDs))
    guard let entry = try await LogRepository(query: { try await pool.query($0, $1) }).entry(id, in: workspace.id) else {
      throw ScimctlError(.notFound, "workspace \(workspace.settings.slug) no longer has the entry \(id)")
    }
    return entry
  }
}

/// `scimctl log replay ID`, which sends a logged request again.
struct ReplayLogEntry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the request of an entry again, after the cause is fixed, and print the response.",
    discussion: """
      The request is sent to ROLLCALL_SCIM_URL with its own token, which is valid for a few minutes and revoked immediately afterwards. Both \
      are recorded in the audit trail, and the new entry refers to the old one.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the entry, or its first characters; see 'scimctl log tail'.", transform: LogCommands.entryID)
  var id: IDPrefix

  @Flag(help: "Send the request even if it succeeded.")
  var force = false

  /// How long the token is valid if its revocation fails, in seconds.
  private static let lifetime: TimeInterval = 300

  func run() async throws {
    let settings = try await Settings.forReplaying()
    let edge = try settings.url(.scimURL)
    let (slug, answer) = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let entry = try await LogCommands.entry(id, in: workspace, on: pool)
      let request = try ReplayRequest.of(entry, force: force)
      let url = try request.url(at: edge)
      let token = AccessToken.made(for: workspace.id)
      let grant = TokenGrant(
        token: .made(at: .now), name: ReplayToken(entry: entry.id, operator: try Operator.name(settings)).name, scopes: [request.scope],
        digest: SecretDigest.hex(of: token.text), expiresAt: .now + Self.lifetime)
      let answer = try await withCommandClient(settings, pool: pool) { client in
        try await client.execute(.issueToken(grant), in: workspace.id)
        let answer: Result<(Int, String), any Error>
        do {
          answer = .success(try await Self.send(request, to: url, with: token))
        } catch {
          answer = .failure(error)
        }
        try await client.execute(.revokeToken(TokenRevocation(token: grant.token)), in: workspace.id)
        return try answer.get()
      }
      return (workspace.settings.slug, answer)
    }
    StandardError.print("Workspace \(slug): the request was sent again")
    print(answer.0)
    if !answer.1.isEmpty { print(PlainText.line(answer.1)) }
    if !(200..<400).contains(answer.0) {
      throw ScimctlError(.rejected, "the request failed again with status \(answer.0); 'scimctl log tail --failed' shows the new entry")
    }
  }

  private static func send(_ replay: ReplayRequest, to url: URL, with token: AccessToken) async throws -> (Int, String) {
    var request = URLRequest(url: url, timeoutInterval: 60)
    request.httpMethod = replay.method
    request.setValue("scimctl", forHTTPHeaderField: "User-Agent")
    for (name, value) in replay.headers { request.setValue(value, forHTTPHeaderField: name) }
    request.setValue("Bearer \(token.text)", forHTTPHeaderField: "Authorization")
    request.httpBody = replay.body.map { Data($0) }
    do {
      let (data, response) = try await URLSession(configuration: .ephemeral).data(for: request)
      return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    } catch let error as URLError {
      throw ScimctlError(
        .unavailable, "scim-api does not answer at \(url.host() ?? ""): \(error.localizedDescription). See ROLLCALL_SCIM_URL")
    }
  }
}
