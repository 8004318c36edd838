import Foundation
import Models
import SCIM

/// A user with groups, invitations and sign-ins, as the management API returns it.
struct UserDetails: Sendable, Equatable, Decodable {
  /// A group of the user.
  struct Group: Sendable, Equatable, Decodable {
    var id: GroupID
    var displayName: String
    /// nil if the product's directory has not processed the membership yet.
    var status: String?
    var waitsFor: String?
  }

  var id: UserID
  var userName: String
  var displayName: String?
  var givenName: String?
  var familyName: String?
  var externalId: String?
  /// The product's id of a linked account.
  var accountId: String?
  var email: String?
  var language: String?
  var state: String
  var role: String
  var version: Int
  var createdAt: Date
  var modifiedAt: Date
  var firstSignedInAt: Date?
  var lastSignedInAt: Date?
  var groups: [Group]
  var hasMoreGroups: Bool
  /// The latest first.
  var invitations: [InvitationRow]
  /// Where an invited user signs in.
  var signInLink: String?
}

extension UserDetails {
  /// One property per line.
  var description: Table {
    var table = Table()
    func row(_ name: String, _ value: String?) { if let value { table.append([name, value]) } }
    row("id", "\(id)")
    row("userName", userName)
    row("displayName", displayName)
    row("givenName", givenName)
    row("familyName", familyName)
    row("email", email)
    row("language", language)
    row("state", state)
    row("role", role)
    row("externalId", externalId)
    row("account", accountId)
    row("version", "\(version)")
    row("created", Timestamp.text(createdAt))
    row("modified", Timestamp.text(modifiedAt))
    row("first sign-in", firstSignedInAt.map(Timestamp.text))
    row("last sign-in", lastSignedInAt.map(Timestamp.text))
    row("sign-in link", signInLink)
    for group in groups {
      row("group", "\(group.displayName) (\(group.waitsFor.map { "waits for \($0)" } ?? group.status ?? "not processed yet")), \(group.id)")
    }
    if hasMoreGroups { row("group", "and others: see 'scimctl group list'") }
    for invitation in invitations {
      row("invitation", "\(invitation.state) since \(Timestamp.text(invitation.changedAt)), \(invitation.id)")
    }
    return table
  }
}

/// An event of a user's timeline.
struct TimelineRow: Sendable, Equatable {
  var at: String
  var type: String
  /// The further members of the event, with their values.
  var details: [String]

  /// - Parameter response: An event, as the management API returns it.
  /// - Throws: ``ScimctlError`` if it is none.
  init(response: JSON) throws(ScimctlError) {
    guard let object = response.object, let at = object["at"]?.string, let type = object["type"]?.string else {
      throw ScimctlError(.internal, "the server's response has an event that this version of scimctl does not know")
    }
    self.at = at
    self.type = type
    details = object.compactMap { member in
      guard !["at", "type"].contains(member.key) else { return nil }
      return "\(member.key) \(member.value.string ?? String(decoding: member.value.serialized(), as: UTF8.self))"
    }
  }

  /// One row per event.
  static func table(of events: [TimelineRow]) -> Table {
    var table = Table("TIME", "EVENT", "DETAILS")
    for event in events { table.append([event.at, event.type, event.details.isEmpty ? nil : event.details.joined(separator: ", ")]) }
    return table
  }
}
