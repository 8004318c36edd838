import ArgumentParser
import Foundation
import Models
import ProvisioningLog

/// `scimctl log`, the commands for the provisioning log.
struct LogCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "The provisioning log: requests of identity providers, and why they failed.",
    subcommands: [TailLog.self, ShowLogEntry.self, ReplayLogEntry.self])

  /// Parses the id of an entry or its first characters.
  ///
  /// - Throws: `ValidationError`.
  @Sendable static func entryID(_ text: String) throws -> IDPrefix { try IDPrefix(text, list: ListedKind.provisioningLog.list) }
}

/// `scimctl log tail`, which lists entries.
struct TailLog: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tail",
    abstract: "List requests, the latest last: time, status, method, path, user or group, identity provider, id, result.",
    discussion: "The log contains writes and rejected requests. 'scimctl log show ID' explains a failure and how to fix it.",
    aliases: ["list"])

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

  /// How long after its time an entry may be stored and is still printed, in seconds.
  private static let maximumDelay: TimeInterval = 120

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      var selection = selection(at: .now)
      var shown: Set<LogEntryID> = []
      var first = true
      while true {
        let listed = try await administration.logEntries(selection, in: workspace).filter { shown.insert($0.row.id).inserted }
        show(listed, withHeading: first)
        guard follow else { break }
        if first { selection.limit = 10_000 }
        first = false
        // Entries are stored a moment after their time, and not in order.
        selection.since = max(since?.time(at: .now) ?? .distantPast, Date.now - Self.maximumDelay)
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  private func show(_ listed: [ListedLogEntry], withHeading: Bool) {
    if json {
      for item in listed { print(item.json) }
    } else {
      let table = LogRow.table(of: listed.map(\.row))
      if withHeading {
        table.print()
      } else {
        for line in table.lines { print(line) }
      }
    }
    // Output to a pipe is buffered otherwise.
    fflush(nil)
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
    try await withAdministration { administration in
      let found = try await administration.logEntry(id, in: try await administration.workspace(workspace))
      if json {
        print(LogEntryText.json(found.entry, found.diagnosis))
      } else {
        for line in LogEntryText.lines(found.entry, found.diagnosis) { print(line) }
      }
    }
  }
}

/// `scimctl log replay ID`, which sends a logged request again.
struct ReplayLogEntry: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the request of an entry again, after the cause is fixed, and print the response.",
    discussion: """
      The new entry refers to the old one, and the audit trail records who sent the request. With --direct, the request is sent to \
      ROLLCALL_SCIM_URL with its own token, which is valid for a few minutes and revoked immediately afterwards.
      """)

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id of the entry, or its first characters; see 'scimctl log tail'.", transform: LogCommands.entryID)
  var id: IDPrefix

  @Flag(help: "Send the request even if it succeeded. Only with --direct.")
  var force = false

  func run() async throws {
    try await withAdministration { administration in
      let workspace = try await administration.workspace(workspace)
      let entry = try await administration.logEntry(id, in: workspace)
      let outcome = try await administration.replay(entry, force: force, in: workspace)
      StandardError.print("Workspace \(workspace.settings.slug): the request was sent again")
      print(outcome.status)
      if let body = outcome.body, !body.isEmpty { print(PlainText.line(body)) }
      if let entry = outcome.entry { StandardError.print("scimctl: 'scimctl log show \(entry)' shows the new entry") }
      guard (200..<400).contains(outcome.status) else {
        throw ScimctlError(
          .rejected, "the request failed again with status \(outcome.status); 'scimctl log tail --failed' shows the new entry")
      }
    }
  }
}
