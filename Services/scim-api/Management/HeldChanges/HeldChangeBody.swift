import EdgeReads
import Models
import SCIM

extension HeldChangesQuery.Change {
  /// The held change.
  ///
  /// - Parameters:
  ///   - actors: the names of the actors.
  ///   - listsLeavers: whether to list those who would leave the group.
  ///   - notice: the mail to the administrator.
  func json(_ actors: ActorNames, listsLeavers: Bool = false, notice: HeldChangesQuery.Notice? = nil) -> JSON {
    var subject: JSONObject = ["type": .string(kind.isOfGroup ? "Group" : "User"), "id": .id(resource)]
    subject.add("name", name)
    subject["exists"] = .bool(exists)
    var object: JSONObject = [
      "id": .id(id), "kind": .string(kind.rawValue), "status": .string(status), "resource": .object(subject),
    ]
    object.add("members", members)
    object.add("leaving", leaving)
    if listsLeavers {
      object["leavers"] = .array(leavers.map(JSON.string))
      object["hasMoreLeavers"] = .bool(leaving > leavers.count)
    }
    object.add("requestedBy", actors.displayText(requestedBy))
    object.add("heldAt", heldAt)
    object.add("requestedAt", requestedAt)
    object.add("decidedBy", decidedBy.map(actors.displayText))
    object.add("decidedAt", decidedAt)
    object["notice"] = notice?.json
    return .object(object)
  }
}

extension HeldChangesQuery.Notice {
  /// The mail. Without a state, it is still to be written.
  fileprivate var json: JSON {
    var object: JSONObject = ["state": .string(state ?? "waiting")]
    object.add("changedAt", changedAt)
    object.add("mailServerAnswer", answer)
    return .object(object)
  }
}
