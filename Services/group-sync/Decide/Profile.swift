import Models

extension Member.Profile {
  /// Creates the profile from an event. Attributes that the event omits because of their size keep their values.
  init(_ event: UserChanged, keeping previous: Member.Profile?) {
    self.init(
      state: event.user.state, email: event.omits("email") ? previous?.email : event.user.email,
      displayName: event.omits("displayName") ? previous?.displayName : event.user.displayName,
      role: event.omits("role") ? previous?.role : event.user.role,
      details: event.hasDetails ? Member.Details(event, keeping: previous?.details) : previous?.details)
  }
}

extension Member.Details {
  /// Creates the attributes from an event. Attributes that the event omits because of their size keep their values.
  fileprivate init(_ event: UserChanged, keeping previous: Member.Details?) {
    func value(_ name: String, _ new: String?, _ old: String?) -> String? { event.omits(name) ? old : new }
    let user = event.user
    self.init(
      externalID: value("externalId", user.externalID, previous?.externalID),
      accountID: value("accountId", user.accountID, previous?.accountID),
      userName: value("userName", user.userName, previous?.userName),
      givenName: value("givenName", user.givenName, previous?.givenName),
      familyName: value("familyName", user.familyName, previous?.familyName),
      title: value("title", user.title, previous?.title),
      department: value("department", user.department, previous?.department),
      manager: event.omits("manager") ? previous?.manager : user.manager,
      attributes: (event.omits("attributes") ? previous?.attributes : user.attributes) ?? [:])
  }
}

extension UserChanged {
  /// Whether the event has all attributes. Those of an earlier version of identity-store have no custom attributes, not even an empty object.
  fileprivate var hasDetails: Bool { user.attributes != nil || omits("attributes") }
}

// MARK: - Members in events

extension Member {
  /// The member as in its own events: the complete state, or only ids and version if it is deleted.
  ///
  /// - Parameter previous: The member before the change, whose account a deleted member keeps in the event.
  func inEvent(after previous: Member?) -> DirectoryMember {
    guard let profile = presence.content else {
      return DirectoryMember(id: key.id, accountID: previous?.presence.content?.details?.accountID, version: version)
    }
    let details = profile.details
    return DirectoryMember(
      id: key.id, externalID: details?.externalID, accountID: details?.accountID, userName: details?.userName, email: profile.email,
      displayName: profile.displayName, givenName: details?.givenName, familyName: details?.familyName, role: profile.role,
      state: profile.state, title: details?.title, department: details?.department, manager: details?.manager,
      attributes: details.flatMap { $0.attributes.isEmpty ? nil : $0.attributes }, version: version)
  }

  /// The member as in events of its memberships.
  var reference: DirectoryMember { DirectoryMember(id: key.id, version: version) }

  /// The member as JSON for the directory; nil if the member is deleted or has attributes that are not known yet.
  var document: [UInt8]? { presence.content?.details == nil ? nil : inEvent(after: nil).json() }
}

extension Member.Details {
  /// The attributes of a stored member.
  init(_ member: DirectoryMember) {
    self.init(
      externalID: member.externalID, accountID: member.accountID, userName: member.userName, givenName: member.givenName,
      familyName: member.familyName, title: member.title, department: member.department, manager: member.manager,
      attributes: member.attributes ?? [:])
  }
}

// MARK: - Changes

extension Member.Profile {
  /// The attributes that differ from those of `previous`, by name. An attribute that was not known before does not differ.
  func changes(from previous: Member.Profile) -> [String: DirectoryEvent.AttributeChange] {
    var changes: [String: DirectoryEvent.AttributeChange] = [:]
    func compare(_ name: String, _ old: JSONValue, _ new: JSONValue) {
      if old != new { changes[name] = DirectoryEvent.AttributeChange(from: old, to: new) }
    }
    compare("email", JSONValue(previous.email), JSONValue(email))
    compare("displayName", JSONValue(previous.displayName), JSONValue(displayName))
    compare("role", JSONValue(previous.role), JSONValue(role))
    guard let old = previous.details, let new = details else { return changes }
    compare("externalId", JSONValue(old.externalID), JSONValue(new.externalID))
    compare("accountId", JSONValue(old.accountID), JSONValue(new.accountID))
    compare("userName", JSONValue(old.userName), JSONValue(new.userName))
    compare("givenName", JSONValue(old.givenName), JSONValue(new.givenName))
    compare("familyName", JSONValue(old.familyName), JSONValue(new.familyName))
    compare("title", JSONValue(old.title), JSONValue(new.title))
    compare("department", JSONValue(old.department), JSONValue(new.department))
    compare("manager", JSONValue(old.manager), JSONValue(new.manager))
    for attribute in old.customAttributes.union(new.customAttributes) {
      compare("\(attribute.urn):\(attribute.name)", old.customAttribute(attribute), new.customAttribute(attribute))
    }
    return changes
  }
}

extension Member.Details {
  /// The schema and the name of a custom attribute.
  fileprivate struct CustomAttribute: Hashable {
    var urn: String
    var name: String
  }

  fileprivate var customAttributes: Set<CustomAttribute> {
    Set(
      attributes.flatMap { urn, value -> [CustomAttribute] in
        guard case .object(let members) = value else { return [] }
        return members.keys.map { CustomAttribute(urn: urn, name: $0) }
      })
  }

  fileprivate func customAttribute(_ attribute: CustomAttribute) -> JSONValue {
    guard case .object(let members)? = attributes[attribute.urn] else { return .null }
    return members[attribute.name] ?? .null
  }
}

extension JSONValue {
  /// The manager as in an event.
  fileprivate init(_ manager: ManagerReference?) {
    guard let manager else {
      self = .null
      return
    }
    self = .object(
      [("value", manager.value), ("displayName", manager.displayName)].reduce(into: [:]) { members, member in
        if let text = member.1 { members[member.0] = .string(text) }
      })
  }
}
