import Foundation

// The JSON of the most frequent event, without an encoder or decoder. The format is that of ``JSONData``.
extension UserChanged {
  /// The event as JSON.
  ///
  /// - Throws: The error of `JSONEncoder`.
  func json() throws -> [UInt8] {
    // Restatements and events without their large fields are rare.
    guard invitation == nil, omitted == nil else { return try JSONData.encode(self) }
    var json = PlainJSONWriter()
    json.begin()
    json.member("change", change.rawValue)
    json.member("changedAt", Timestamp.text(changedAt))
    json.name("user")
    json.begin()
    json.member("accountId", user.accountID)
    json.member("attributes", user.attributes)
    json.member("department", user.department)
    json.member("displayName", user.displayName)
    json.member("email", user.email)
    json.member("externalId", user.externalID)
    json.member("familyName", user.familyName)
    json.member("firstSignedInAt", user.firstSignedInAt.map(Timestamp.text))
    json.member("givenName", user.givenName)
    json.member("id", user.id.description)
    json.member("language", user.language)
    json.member("manager", user.manager)
    json.member("role", user.role)
    json.member("state", user.state.rawValue)
    json.member("title", user.title)
    json.member("userName", user.userName)
    json.end()
    json.name("version")
    json.integer(version)
    json.member("workspace", workspace.description)
    json.end()
    return json.bytes
  }

  /// Reads an event.
  ///
  /// - Throws: ``MessageError`` that names the missing or wrong key.
  init(json: [UInt8], type: String) throws(MessageError) {
    if let event = Self(plainJSON: json) { self = event } else { self = try JSONData.decode(from: json, type: type) }
  }

  /// Reads an event whose JSON has the form of ``json()``; nil for any other, valid or not.
  init?(plainJSON json: [UInt8]) {
    var (workspace, user, change): (WorkspaceID?, UserSnapshot?, Change?)
    var (version, changedAt): (Int64?, Date?)
    let isRead = PlainJSONReader.read(json) { reader in
      reader.object { name, reader in
        switch name {
        case "change": change = reader.string().flatMap { Change(rawValue: $0) }
        case "changedAt": changedAt = reader.string().flatMap(Timestamp.date)
        case "user": user = UserSnapshot(&reader)
        case "version": version = reader.integer()
        case "workspace": workspace = reader.string().flatMap { WorkspaceID($0) }
        default: return false
        }
        return true
      }
    }
    guard isRead, let workspace, let user, let change, let version, let changedAt else { return nil }
    self.init(workspace: workspace, user: user, change: change, version: version, changedAt: changedAt)
  }
}

extension UserSnapshot {
  fileprivate init?(_ reader: inout PlainJSONReader) {
    var (id, state): (UserID?, UserState?)
    var (userName, displayName, givenName, familyName): (String?, String?, String?, String?)
    var (email, language, role): (String?, String?, String?)
    var firstSignedInAt: Date?
    var (externalID, accountID, title, department): (String?, String?, String?, String?)
    var manager: ManagerReference?
    var attributes: [String: JSONValue]?
    let isRead = reader.object { name, reader in
      switch name {
      case "attributes":
        // Custom attributes, which few workspaces have, are left to the decoder.
        attributes = reader.emptyObject() ? [:] : nil
        return attributes != nil
      case "manager":
        manager = ManagerReference(&reader)
        return manager != nil
      default: break
      }
      guard let text = reader.string() else { return false }
      switch name {
      case "id": id = UserID(text)
      case "state": state = UserState(rawValue: text)
      case "userName": userName = text
      case "displayName": displayName = text
      case "givenName": givenName = text
      case "familyName": familyName = text
      case "email": email = text
      case "language": language = text
      case "role": role = text
      case "externalId": externalID = text
      case "accountId": accountID = text
      case "title": title = text
      case "department": department = text
      case "firstSignedInAt":
        firstSignedInAt = Timestamp.date(text)
        return firstSignedInAt != nil
      default: return false
      }
      return true
    }
    guard isRead, let id, let state else { return nil }
    self.init(
      id: id, state: state, userName: userName, displayName: displayName, givenName: givenName, familyName: familyName, email: email,
      language: language, role: role, firstSignedInAt: firstSignedInAt, externalID: externalID, accountID: accountID, title: title,
      department: department, manager: manager, attributes: attributes)
  }
}
