import Foundation
import Models
import ProvisioningLog
import SCIM

/// Formats an entry of the provisioning log, as text or JSON.
enum LogEntryText {
  /// All fields, the body and the diagnosis as text.
  static func lines(_ entry: LogEntry, _ diagnosis: Diagnosis?) -> [String] {
    var lines = fields(entry).lines
    if let body = entry.body {
      switch body.content {
      case .whole(let json, let removed):
        lines += ["", "body" + (removed.isEmpty ? "" : ", without \(removed.joined(separator: ", "))") + ":"] + pretty(json)
      case .head(let json): lines += ["", "the beginning of the body, which has \(body.bytes) bytes:"] + pretty(json)
      case .none(let reason): lines += ["", "The body of \(body.bytes) bytes was not stored: \(reason)."]
      }
    }
    if entry.isPartlyApplied {
      lines += ["", "partly applied: the request disables a user; these attributes kept their stored values:"]
      lines += entry.unapplied.map { PlainText.line("  \($0.path): \($0.detail)") }
    }
    if let diagnosis {
      lines += ["", "why:  " + PlainText.line(diagnosis.explanation), "fix:  " + PlainText.line(diagnosis.fix)]
    }
    return lines
  }

  /// The entry and its diagnosis as a JSON object.
  static func json(_ entry: LogEntry, _ diagnosis: Diagnosis?) -> String {
    var text = #"{"entry":\#(String(decoding: entry.json(), as: UTF8.self))"#
    if let diagnosis {
      let object: JSONObject = [
        "cause": .string(diagnosis.cause.rawValue), "explanation": .string(diagnosis.explanation), "fix": .string(diagnosis.fix),
      ]
      text += #","diagnosis":\#(String(decoding: object.serialized(), as: UTF8.self))"#
    }
    return text + "}"
  }

  private static func fields(_ entry: LogEntry) -> Table {
    var table = Table()
    func row(_ name: String, _ value: String?) { if let value { table.append([name, value]) } }
    row("id", "\(entry.id)")
    row("time", Timestamp.text(entry.at))
    row("status", String(entry.status) + (entry.scimType.map { " \($0)" } ?? ""))
    if let sender = entry.unverified {
      row("sender", "unverified: the token was never issued")
      row("requests", String(sender.requests))
      row("first", Timestamp.text(sender.firstAt))
      row("last", Timestamp.text(sender.lastAt))
      row("address", entry.address ?? "several")
      row("answer", entry.detail)
      return table
    }
    row("request", "\(entry.method) \(entry.path)\(entry.query.map { "?\($0)" } ?? "")")
    row("answer", entry.detail)
    row("identity-provider", entry.identityProvider)
    row("user-agent", entry.userAgent)
    row("token", entry.token.map { "\($0)" })
    row("address", entry.address)
    row("resource", entry.resource.map { "\(entry.resourceType.map { "\($0.rawValue) " } ?? "")\($0)" })
    row("name", entry.name)
    row("content-type", entry.contentType)
    row("if-match", entry.ifMatch)
    row("normalisations", entry.normalisations.isEmpty ? nil : entry.normalisations.joined(separator: ", "))
    row("operations", entry.operations.map { "\($0.count), of which \($0.failed) failed" })
    row("bulk-request", entry.bulk.map { "\($0)" })
    row("relink", entry.relink.map { "\($0.rawValue): \($0.explanation)" })
    row("replay-of", entry.replayOf.map { "\($0)" })
    row("milliseconds", String(format: "%.1f", entry.milliseconds))
    row("command", entry.command.map { "\($0)" })
    row("trace", entry.trace)
    return table
  }

  private static func pretty(_ json: JSON) -> [String] {
    let bytes = json.serialized()
    do {
      let object = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      let data = try JSONSerialization.data(
        withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
      return String(decoding: data, as: UTF8.self).split(separator: "\n").map { PlainText.line("  " + $0) }
    } catch {
      return [PlainText.line("  " + String(decoding: bytes, as: UTF8.self))]
    }
  }
}
