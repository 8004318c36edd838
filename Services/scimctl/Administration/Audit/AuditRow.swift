import Foundation
import Models
import Postgres
import SCIM

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

  /// One row per entry.
  static func table(of entries: [AuditRow]) -> Table {
    var table = Table("TIME", "ACTOR", "ACTION", "OUTCOME", "TARGET", "ID")
    for entry in entries {
      table.append([Timestamp.text(entry.at), entry.actor, entry.action, entry.outcome, entry.target, "\(entry.id)"])
    }
    return table
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

extension AuditRow {
  /// - Parameter row: A row of the audit trail's view.
  /// - Throws: `PostgresDecodingError`.
  init(_ row: Row) throws {
    self.init(
      id: CommandID(try row.uuid(0)), at: try row.timestamp(1), actor: try row.string(2), action: try row.string(3),
      target: try row.string(4), summary: try row.string(5), status: try row.optionalInt(6), detail: try row.optionalString(7))
  }
}
