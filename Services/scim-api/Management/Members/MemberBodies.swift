import EdgeReads
import Models
import ProvisioningLog
import SCIM

extension PersonName {
  /// Adds the names to the object of a member.
  fileprivate func add(to object: inout JSONObject) {
    object.add("userName", userName)
    object.add("displayName", displayName)
    object.add("givenName", givenName)
    object.add("familyName", familyName)
  }
}

extension MemberSummary {
  /// The member in a list.
  ///
  /// - Parameter actors: the names of the actors in the reason of the invitation.
  func json(_ actors: ActorNames) -> JSON {
    var object: JSONObject = ["id": .id(id)]
    name.add(to: &object)
    object.add("email", email)
    object.add("state", state.rawValue)
    object.add("role", role)
    object.add("groups", groupCount)
    object.add("firstSignedInAt", firstSignedInAt)
    object.add("lastSignedInAt", lastSignedInAt)
    object["invitation"] = invitation.map { $0.json(actors) }
    return .object(object)
  }
}

extension StoredInvitation {
  /// The invitation, for the person who can send it again or revoke it.
  func json(_ actors: ActorNames) -> JSON {
    var object: JSONObject = ["id": .id(id), "state": .string(state.rawValue)]
    object.add("reason", reason.isEmpty ? nil : actors.displayText(reason))
    object["isDigest"] = .bool(isDigest)
    // 0 for the invitation, 1 for its first reminder.
    object.add("reminder", messageNumber)
    object.add("attempts", attempts)
    object.add("mailServerAnswer", answer.flatMap { $0.isEmpty ? nil : $0 })
    object.add("createdAt", createdAt)
    object.add("changedAt", changedAt)
    object.add("sentAt", sentAt)
    object.add("nextMailAt", nextAttemptAt)
    object.add("expiresAt", expiresAt)
    return .object(object)
  }
}

/// A member with everything that the member's page of the console shows, except the timeline.
struct MemberBody: Sendable {
  var member: StoredMember
  /// Up to one more than ``MemberQuery/maximumGroups``.
  var memberships: [GroupMembership]
  /// Newest first.
  var invitations: [StoredInvitation]
  var actors: ActorNames
  /// Where an invited person signs in.
  var signInLink: String?

  /// - Throws: `JSONSyntaxError` if the stored document is damaged.
  func json() throws -> JSON {
    var object: JSONObject = ["id": .id(member.id)]
    member.name.add(to: &object)
    object.add("externalId", member.externalID)
    object.add("accountId", member.accountID)
    object.add("email", member.email)
    object.add("language", member.language)
    object.add("state", member.state.rawValue)
    object.add("role", member.role)
    object.add("version", Int(member.resource.version))
    object.add("createdAt", member.createdAt)
    object.add("modifiedAt", member.resource.modifiedAt)
    object.add("firstSignedInAt", member.firstSignedInAt)
    // Sign-ins before the first belong to another person who had the userName.
    object.add("lastSignedInAt", member.firstSignedInAt.map { max($0, member.lastSignedInAt ?? $0) })
    object["groups"] = .array(memberships.prefix(MemberQuery.maximumGroups).map(\.json))
    object["hasMoreGroups"] = .bool(memberships.count > MemberQuery.maximumGroups)
    object["invitations"] = .array(invitations.map { $0.json(actors) })
    object.add("signInLink", member.state == .invited ? signInLink : nil)
    // The stored document is open: two closing braces are missing.
    object["resource"] = try JSON(parsing: member.resource.document + Array("}}".utf8))
    return .object(object)
  }
}

extension GroupMembership {
  /// The group, with the status of the membership in the product; without one if the product has not processed the membership yet.
  var json: JSON {
    var object: JSONObject = ["id": .id(group), "displayName": .string(name)]
    object.add("status", status?.rawValue)
    object.add("waitsFor", waitsFor)
    return .object(object)
  }
}
