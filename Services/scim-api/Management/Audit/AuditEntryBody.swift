import EdgeReads
import Models
import SCIM

extension AuditEntry {
  /// The entry, with the values before and after as they are stored.
  ///
  /// - Parameter actors: the names of tokens.
  func json(_ actors: ActorNames) -> JSON {
    var object: JSONObject = [
      "id": .id(id), "at": .string(at), "actor": .string(actor), "actorName": .string(actors.displayText(actor)),
      "action": .string(action), "target": .string(target), "outcome": .string(status == nil ? "done" : "rejected"),
    ]
    object.add("status", status)
    object.add("detail", detail)
    object["changes"] = changes
    return .object(object)
  }

  /// The stored changes. A summary that is not JSON, which no release writes, is returned as text.
  private var changes: JSON {
    do { return try JSON(parsing: Array(summary.utf8)) } catch { return .string(summary) }
  }
}
