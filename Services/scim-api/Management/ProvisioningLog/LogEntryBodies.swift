import EdgeReads
import Models
import ProvisioningLog
import SCIM

/// An entry of the provisioning log in a list.
struct ListedEntryBody: Sendable {
  var listed: LogRepository.Listed
  /// The names of tokens.
  var tokens: [TokenID: String]

  var json: JSON {
    let entry = listed.entry
    var object = JSONObject()
    object.add("id", entry.id)
    object.add("at", entry.at)
    object.add("method", entry.method)
    object.add("path", entry.path)
    object.add("status", entry.status)
    object.add("scimType", entry.scimType)
    object.add("detail", entry.detail)
    object.add("cause", listed.cause?.rawValue)
    object.add("causeSummary", listed.cause?.summary)
    object["resource"] = entry.subject(presentName: listed.presentName)
    object.add("token", entry.token)
    object.add("tokenName", entry.token.flatMap { tokens[$0] })
    object.add("identityProvider", entry.identityProvider)
    object.add("relink", entry.relink?.rawValue)
    object["isPartlyApplied"] = .bool(entry.isPartlyApplied)
    if let operations = entry.operations {
      object["operations"] = ["count": .number(operations.count), "failed": .number(operations.failed)]
    }
    if let sender = entry.unverified {
      object["unverifiedSender"] = [
        "requests": .number(sender.requests), "firstAt": .time(sender.firstAt), "lastAt": .time(sender.lastAt),
      ]
    }
    object.add("replayOf", entry.replayOf)
    object.add("bulk", entry.bulk)
    return .object(object)
  }
}

extension LogEntry {
  /// The user or group of the request; nil if the request names none.
  ///
  /// - Parameter presentName: the current name; nil if the resource does not exist.
  fileprivate func subject(presentName: String?) -> JSON? {
    guard resource != nil || name != nil else { return nil }
    var object = JSONObject()
    object.add("type", resourceType?.rawValue)
    object.add("id", resource)
    object.add("name", name ?? presentName)
    object["exists"] = .bool(presentName != nil)
    return .object(object)
  }
}

/// An entry of the provisioning log with its body, its diagnosis and whether it can be sent again.
struct EntryBody: Sendable {
  var entry: LogEntry
  /// nil if the request did not fail.
  var diagnosis: Diagnosis?
  var tokenName: String?
  /// The current name of the user or group; nil if it does not exist.
  var presentName: String?

  /// - Throws: `JSONSyntaxError` if the entry cannot be encoded.
  func json() throws -> JSON {
    // As scimctl prints it, with tokens masked.
    var object = try JSON(parsing: entry.json()).object ?? JSONObject()
    for key in ["workspace", "resourceType", "name", "microseconds"] { object[key] = nil }
    object["resource"] = entry.subject(presentName: presentName)
    object.add("tokenName", tokenName)
    object["milliseconds"] = .decimal("\((entry.milliseconds * 1000).rounded() / 1000)")
    if let diagnosis {
      object["diagnosis"] = [
        "cause": .string(diagnosis.cause.rawValue), "summary": .string(diagnosis.cause.summary),
        "explanation": .string(diagnosis.explanation), "fix": .string(diagnosis.fix),
      ]
    }
    let obstacle = entry.replayObstacle
    object["canReplay"] = .bool(obstacle == nil)
    object.add("replayObstacle", obstacle)
    return .object(object)
  }
}

extension LogEntry {
  /// Why the request cannot be sent again; nil if it can.
  fileprivate var replayObstacle: String? {
    do throws(ReplayRequest.Obstacle) {
      _ = try ReplayRequest(self)
      return nil
    } catch {
      return "\(error)"
    }
  }
}
