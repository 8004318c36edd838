import ArgumentParser
import Foundation
import Models
import Postgres
import SCIM

/// `scimctl audit …`
struct AuditCommands: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Who changed what in a workspace's settings and tokens.",
    subcommands: [ListAudit.self, ShowAudit.self])
}

/// `scimctl audit list`
struct ListAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List what was done, the latest last: time, who, what, outcome, target, id.")

  @OptionGroup var workspace: WorkspaceOption

  @Option(help: "Only what this one did, for example operator:ana.")
  var actor: String?

  @Option(help: "Only this kind, for example update-workspace.")
  var action: String?

  @Option(help: ArgumentHelp("Only what was done since: 2h, 3d, or a time such as 2026-01-31T08:00:00Z.", valueName: "time"))
  var since: PastTime?

  @Flag(help: "Only what was refused.")
  var refused = false

  @Option(help: "The most to list, the latest.")
  var limit = 100

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    guard (1...100_000).contains(limit) else { throw ValidationError("--limit has to be from 1 to 100000.") }
  }

  func run() async throws {
    let settings = try await Settings.forReading()
    let rows = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      return try await pool.query(
        Queries.audit,
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

/// `scimctl audit show ID`
struct ShowAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one thing that was done, with what it changed.")

  @OptionGroup var workspace: WorkspaceOption

  @Argument(help: "The id, as 'scimctl audit list' shows it, or its beginning.", transform: { try IDPrefix($0, list: ShowAudit.list) })
  var id: IDPrefix

  private static let list = "scimctl audit list"

  @Flag(help: "As a JSON object.")
  var json = false

  func run() async throws {
    let settings = try await Settings.forReading()
    let row = try await withDatabase(settings) { pool in
      let workspace = try await workspace.resolve(settings, on: pool)
      let id = try await id.resolve("entry", list: Self.list, in: workspace, on: pool, Queries.auditIDs)
      guard let row = try await pool.query(Queries.auditRow, [.uuid(workspace.id.uuid), .uuid(id)]).first else {
        throw Failure(.notFound, "workspace \(workspace.settings.slug) has no such entry. '\(Self.list)' shows those there are")
      }
      return try AuditRow(row)
    }
    if json { print(row.json) } else { row.description.print() }
  }
}

/// A row of the audit trail.
struct AuditRow: Sendable, Equatable {
  var id: CommandID
  var at: Date
  var actor: String
  var action: String
  var target: String
  /// JSON.
  var summary: String
  var status: Int?
  var detail: String?

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

  var outcome: String { status.map { "refused-\($0)" } ?? "done" }

  var json: String {
    var object: JSONObject = [
      "id": .string("\(id)"), "at": .string(Timestamp.text(at)), "actor": .string(actor), "action": .string(action),
      "target": .string(target), "outcome": .string(outcome),
    ]
    object["detail"] = detail.map(JSON.string)
    // It is JSON already, and stays as it is.
    return String(decoding: object.serialized().dropLast(), as: UTF8.self) + #","summary":\#(summary)}"#
  }

  var description: Table {
    var table = Table()
    table.append(["id", "\(id)"])
    table.append(["time", Timestamp.text(at)])
    table.append(["who", actor])
    table.append(["what", action])
    table.append(["target", target])
    table.append(["outcome", outcome])
    if let detail { table.append(["answer", detail]) }
    if let result { table.append(["result", result]) }
    for part in ["before", "after", "asked"] {
      for (name, value) in members(of: part) { table.append(["\(part) \(name)", value]) }
    }
    return table
  }

  /// What became of a sign-in; nil for what has no such result, and where the summary cannot be read.
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
