import Foundation
import Models
import SCIM

extension Decider {
  /// Publishes the state of a user after a change.
  ///
  /// - Parameters:
  ///   - document: The document of the user if it is at hand, so that the stored one need not be parsed.
  ///   - invitation: For a restatement of an invited user.
  mutating func publishChange(
    of user: UserRecord, _ change: UserChanged.Change, document: UserDocument? = nil, invitation: UserChanged.RestatedInvitation? = nil
  ) {
    var event = UserChanged(
      workspace: user.key.workspace, user: user.snapshot, change: change, version: user.version, changedAt: now, invitation: invitation)
    do {
      if let document {
        event.user.addAttributes(of: document.attributes)
      } else {
        event.user.addAttributes(of: try UserDocument.attributes(ofOpenDocument: user.document))
      }
    } catch {
      // Consumers keep the values that they have.
      event.omitted = UserSnapshot.documentAttributes
    }
    publish(.userChanged(event))
  }
}

extension UserRecord {
  /// The attributes that have columns.
  fileprivate var snapshot: UserSnapshot {
    UserSnapshot(
      id: id, state: state, userName: userName, displayName: displayName, givenName: givenName, familyName: familyName, email: email,
      language: language, role: role, firstSignedInAt: firstSignedInAt, externalID: externalID,
      accountID: accountID)
  }
}

extension UserSnapshot {
  /// The names of the attributes that only the document has.
  fileprivate static let documentAttributes = ["title", "department", "manager", "attributes"]

  /// Adds the attributes that only the document has.
  fileprivate mutating func addAttributes(of document: JSONObject) {
    title = document["title"]?.string
    if let enterprise = document[SchemaDefinition.enterpriseUserID]?.object {
      department = enterprise["department"]?.string
      let (value, name) = (enterprise["manager"]?.object?["value"]?.string, enterprise["manager"]?.object?["displayName"]?.string)
      if value != nil || name != nil { manager = ManagerReference(value: value, displayName: name) }
    }
    let extensions = document.members.filter { member in
      // Names of attributes have no colons, those of schemas do.
      member.key.contains(":") && member.key != SchemaDefinition.enterpriseUserID && member.value.object?.isEmpty == false
    }
    // Empty rather than missing, so that consumers can tell this event from one of an earlier version, which has none of these attributes.
    attributes = Dictionary(extensions.map { ($0.key, JSONValue($0.value)) }) { $1 }
  }
}

extension JSONValue {
  /// Creates a value from that of a SCIM attribute.
  init(_ json: JSON) {
    switch json {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    // A number beyond the range of `Decimal` stays as its text.
    case .decimal(let text): self = Decimal(string: text).map { $0.isFinite ? JSONValue.decimal($0) : .string(text) } ?? .string(text)
    case .string(let text): self = .string(text)
    case .array(let elements): self = .array(elements.map { JSONValue($0) })
    case .object(let object):
      self = .object(Dictionary(object.members.map { ($0.key, JSONValue($0.value)) }) { $1 })
    }
  }
}
