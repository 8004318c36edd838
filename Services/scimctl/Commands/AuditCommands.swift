import ArgumentParser
import Foundation
import Models
import Postgres
import SCIM

/// `scimctl audit`, the commands for the audit trail.
struct AuditCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "The audit trail: who changed settings and tokens, and when.",
    subcommands: [ListAudit.self, ShowAudit.self])
}

/// `scimctl audit list`, which lists entries of the audit trail.
struct ListAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List entries, the latest last: time, actor, action, outcome, target, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only entries of this actor, such as operator:ana.")
  var actor: String?

  @Option(help: "Only entries of this action, such as update-workspace.")
  var action: String?

  @Option(help: ArgumentHelp("Only entries since 2h, 3d, or a time such as 2026-01-31T08:00:00Z.", valueName: "time"))
  var since: PastTime?

  @Flag(help: "Only rejected actions.")
  var refused = false

  @Option(help: "The maximum number of entries, the latest.")
  var limit = 100

  @Flag(help: "Print one JSON object per line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit must be between 1 and 100000.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    let rows = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      return try await pool.query(
        AuditQueries.audit,
        [
          .uuid(workspace.id.uuid), .optional(actor, PostgresValue.text), .optional(action, PostgresValue.text),
          .timestamp(since?.time(at: .now) ?? .distantPast), .bool(refused), .int(Int64(limit)),
        ]
      ).map { try AuditRow($0) }
    }
    if json {
      for row in rows.reversed() { print(row.json) }
    } else {
      var table = Table()
      for row in rows.reversed() {
        table.append([Timestamp.text(row.at), row.actor, row.action, row.outcome, row.target, "\(row.id)"])
      }
      table.print()
    }
  }
}

/// `scimctl audit show ID`, which shows one entry.
struct ShowAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show an entry with the values before and after.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(
    help: "The id of the entry, or its first characters; see 'scimctl audit list'.", transform: { try IDPrefix($0, list: ShowAudit.list) })
  var id: IDPrefix

  private static let list = "scimctl audit list"

  @Flag(help: "Print a JSON object.")
  var json = false

  func run() async throws {
    let settings = try await Settings.forReading()
    let row = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let id = try await id.resolve("entry", list: Self.list, in: workspace, on: pool, IDQueries.auditIDs)
      guard let row = try await pool.query(AuditQueries.auditRow, [.uuid(workspace.id.uuid), .uuid(id)]).first else {
        throw ScimctlError(.notFound, "workspace \(workspace.settings.slug) has no such entry. '\(Self.list)' lists the entries")
      }
      return try AuditRow(row)
    }
    if json { print(row.json) } else { row.description.print() }
  }
}

/// An entry of the audit trail.
struct AuditRow: Sendable, Equatable {
  var id: CommandID
  var at: Date
  var actor: String
  var action: String
  var target: String
  /// A JSON object with the values before and after.
  var summary: String
  /// The HTTP status of a rejection; nil if the action succeeded.
  var status: Int?
  /// The reason for a rejection.
  var detail: String?

  /// - Throws: `PostgresDecodingError`.
  init(_ row: Row) throws {
    id = CommandID(try row.uuid(0))
    at = try row.timestamp(1)
    actor = try row.string(2)
    action = try row.string(3)
    target = try row.string(4)
    summary = try row.string(5)
    status = try row.optionalInt(6)
    detail = try row.optionalString(7)
  }

  /// `done` or `refused-STATUS`.
  var outcome: String { status.map { "refused-\($0)" } ?? "done" }

  /// The JSON output.
  var json: String {
    var object: JSONObject = [
      "id": .string("\(id)"), "at": .string(Timestamp.text(at)), "actor": .string(actor), "action": .string(action),
      "target": .string(target), "outcome": .string(outcome),
    ]
    object["detail"] = detail.map(JSON.string)
    // The summary is JSON already.
    return String(decoding: object.serialized().dropLast(), as: UTF8.self) + #","summary":\#(summary)}"#
  }

  /// The text output of `audit show`.
  var description: Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["time", Timestamp.text(at)])
    table.append(["actor", actor])
    table.append(["action", action])
    table.append(["target", target])
    table.append(["outcome", outcome])
    if let detail { table.append(["answer", detail]) }
    if let result { table.append(["result", result]) }
    for part in ["before", "after", "asked"] {
      for (name, value) in members(of: part) { table.append(["\(part) \(name)", value]) }
    }
    return table
  }

  /// The outcome of a sign-in; nil for other actions, and if the summary cannot be parsed.
  private var result: String? {
    do { return try JSON(parsing: summary).object?["outcome"]?.string } catch { return nil }
  }

  private func members(of part: String) -> [(String, String)] {
    do {
      return try JSON(parsing: summary).object?[part]?.object?.map { ($0.key, String(decoding: $0.value.serialized(), as: UTF8.self)) }
        ?? []
    } catch {
      return [("", summary)]
    }
  }
}
