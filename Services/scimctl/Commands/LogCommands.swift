import ArgumentParser
import Foundation
import Models
import Postgres
import ProvisioningLog

/// `scimctl log …`
struct LogCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "The provisioning log: what identity providers sent, and why it failed.",
    subcommands: [TailLog.self, ShowLogEntry.self, ReplayLogEntry.self])
}

/// `scimctl log tail`
struct TailLog: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail", abstract: "Show the latest requests: time, status, method, path, who, identity provider, id, answer.",
    discussion: "Writes are here, and whatever was refused. 'scimctl log show ID' tells what to do about a failure.")

  @OptionGroup var workspace: WorkspaceOption

  @Flag(name: [.customShort("f"), .long], help: "Go on showing what comes.")
  var follow = false

  @Flag(help: "Only what was refused.")
  var failed = false

  @Option(help: "Only what concerns a person or group: userName, email, displayName or id.")
  var user: String?

  @Option(help: ArgumentHelp("Only what came since: 2h, 3d, or a time such as 2026-01-31T08:00:00Z.", valueName: "time"))
  var since: PastTime?

  @Option(help: "Only this status: 404, 4xx, or a range such as 400-499.")
  var status: StatusRange?

  @Option(help: "The most to show at first.")
  var limit = 50

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit has to be from 1 to 100000.") }
  }

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
        // An entry is written a moment after its time, and not in the order of the times.
        selection.since = max(since?.time(at: .now) ?? .distantPast, Date.now - Self.lateness)
        try await Task.sleep(for: .seconds(1))
      } while true
    }
  }

  /// How late an entry may be written and still be shown.
  private static let lateness: TimeInterval = 120

  private func show(_ listed: [LogRepository.Listed]) {
    if json {
      for item in listed { print(String(decoding: item.entry.json(), as: UTF8.self)) }
    } else {
      Self.table(of: listed).print()
    }
    // To a pipe as soon as to a terminal.
    fflush(nil)
  }

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

  private static func answer(_ entry: LogEntry) -> String? {
    if let operations = entry.operations { return "\(operations.failed) of \(operations.count) operations failed" }
    if let relink = entry.relink { return relink.summary }
    if entry.isPartlyApplied { return "partly applied, without \(entry.unapplied.map(\.path).joined(separator: ", "))" }
    guard let detail = entry.detail else { return entry.scimType }
    let words = detail.count > 100 ? detail.prefix(99) + "…" : detail[...]
    return entry.scimType.map { "\($0): \(words)" } ?? String(words)
  }

  /// Without what stands before every path.
  private static func shortened(_ path: String) -> String {
    let base = "/api/v2/scim"
    return path.hasPrefix(base + "/") ? String(path.dropFirst(base.count).prefix(60)) : String(path.prefix(60))
  }
}

/// `scimctl log show ID`
struct ShowLogEntry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all there is of a request, why it failed, and what to do about it.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The entry's id, as 'scimctl log tail' shows it, or its beginning.", transform: LogCommands.entryID)
  var id: IDPrefix

  @Flag(help: "As a JSON object.")
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
  @Sendable static func entryID(_ text: String) throws -> IDPrefix { try IDPrefix(text, list: list) }

  private static let list = "scimctl log tail"

  /// - Throws: ``Failure`` where there is none whose id begins so, or several are.
  static func entry(_ prefix: IDPrefix, in workspace: KnownWorkspace, on pool: PostgresPool) async throws -> LogEntry {
    let id = LogEntryID(try await prefix.resolve("entry", list: list, in: workspace, on: pool, Queries.logEntryIDs))
    guard let entry = try await LogRepository(query: { try await pool.query($0, $1) }).entry(id, in: workspace.id) else {
      throw Failure(.notFound, "workspace \(workspace.settings.slug) has no entry \(id) any more")
    }
    return entry
  }
}
