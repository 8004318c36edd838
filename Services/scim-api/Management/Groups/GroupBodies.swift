import EdgeReads
import Models
import SCIM

extension ListedGroup {
  /// The group in a list.
  var json: JSON {
    var object: JSONObject = ["id": .id(id), "displayName": .string(name), "modifiedAt": .time(modifiedAt)]
    object["members"] = counts?.json
    return .object(object)
  }
}

extension MembershipStatusCounts {
  /// The numbers of members by status.
  fileprivate var json: JSON { ["visible": .number(visible), "pending": .number(pending), "held": .number(held)] }
}

extension GroupDetails {
  /// The group with its held change.
  var json: JSON {
    var object: JSONObject = ["id": .id(id), "displayName": .string(name)]
    object.add("externalId", externalID)
    object.add("createdAt", createdAt)
    object.add("modifiedAt", modifiedAt)
    object["members"] = counts?.json
    object["heldChange"] = held?.json
    return .object(object)
  }
}

extension HeldGroupChange {
  fileprivate var json: JSON {
    var object: JSONObject = [
      "kind": .string((isDeletion ? HeldChangeKind.groupDeleted : .membersRemoved).rawValue), "leaving": .number(leaving),
    ]
    object.add("members", members)
    object.add("heldAt", heldAt)
    return .object(object)
  }
}

extension GroupMember {
  /// The member of a group. Without a state, the person's own data has not arrived yet.
  ///
  /// - Parameter status: the status of the membership.
  func json(_ status: MembershipStatus) -> JSON {
    var object: JSONObject = ["id": .id(id), "status": .string(status.rawValue)]
    object.add("waitsFor", waitsFor(as: status))
    object.add("state", state?.rawValue)
    object.add("email", email)
    object.add("displayName", displayName)
    object.add("role", role)
    return .object(object)
  }

  /// What the membership waits for, as in the directory API; nil if it is visible.
  private func waitsFor(as status: MembershipStatus) -> String? {
    switch status {
    case .visible: nil
    case .pending: state == nil ? "the person's own data, which has not come yet" : "the first sign-in"
    case .held: "to be enabled by the identity provider"
    }
  }
}
