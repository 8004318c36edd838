import Foundation

// The JSON of directory events and of the stored members, without an encoder or decoder. The format is that of ``JSONData``.
extension DirectoryEvent {
  /// The event as JSON.
  ///
  /// - Throws: The error of `JSONEncoder`.
  public func json() throws -> [UInt8] {
    guard omitted == nil else { return try JSONData.encode(self) }
    var json = PlainJSONWriter()
    json.begin()
    json.member("changedAt", Timestamp.text(changedAt))
    if let changes {
      json.name("changes")
      json.value(.object(changes.mapValues { .object(["from": $0.from, "to": $0.to]) }))
    }
    if let group {
      json.name("group")
      json.begin()
      json.member("displayName", group.displayName)
      json.member("id", group.id.description)
      json.name("version")
      json.integer(group.version)
      json.end()
    }
    if let member {
      json.name("member")
      member.write(to: &json)
    }
    json.member("reason", reason?.rawValue)
    if let seats {
      json.name("seats")
      json.begin()
      json.name("limit")
      json.integer(Int64(seats.limit))
      json.name("used")
      json.integer(Int64(seats.used))
      json.end()
    }
    if let sequence {
      json.name("sequence")
      json.integer(sequence)
    }
    json.member("type", type.rawValue)
    json.member("workspace", workspace.description)
    json.end()
    return json.bytes
  }
}

extension DirectoryMember {
  /// The member as JSON, as in an event.
  public func json() -> [UInt8] {
    var json = PlainJSONWriter()
    write(to: &json)
    return json.bytes
  }

  fileprivate func write(to json: inout PlainJSONWriter) {
    json.begin()
    json.member("accountId", accountID)
    json.member("attributes", attributes)
    json.member("department", department)
    json.member("displayName", displayName)
    json.member("email", email)
    json.member("externalId", externalID)
    json.member("familyName", familyName)
    json.member("givenName", givenName)
    json.member("id", id.description)
    json.member("manager", manager)
    json.member("role", role)
    json.member("state", state?.rawValue)
    json.member("title", title)
    json.member("userName", userName)
    json.name("version")
    json.integer(version)
    json.end()
  }

  /// Reads a member.
  ///
  /// - Throws: ``MessageError`` that names the missing or wrong key.
  public init(json: [UInt8]) throws(MessageError) {
    if let member = Self(plainJSON: json) {
      self = member
    } else {
      self = try JSONData.decode(from: json, type: "directory member")
    }
  }

  /// Reads a member whose JSON has the form of ``json()``, without custom attributes and escapes; nil for any other, valid or not.
  init?(plainJSON json: [UInt8]) {
    var (id, state, version): (UserID?, UserState?, Int64?)
    var manager: ManagerReference?
    var texts: [String: String] = [:]
    let isRead = PlainJSONReader.read(json) { reader in
      reader.object { name, reader in
        switch name {
        case "version":
          version = reader.integer()
          return version != nil
        case "manager":
          manager = ManagerReference(&reader)
          return manager != nil
        case "id":
          id = reader.string().flatMap { UserID($0) }
          return id != nil
        case "state":
          state = reader.string().flatMap { UserState(rawValue: $0) }
          return state != nil
        case let name where Self.texts.contains(name):
          texts[name] = reader.string()
          return texts[name] != nil
        default: return false
        }
      }
    }
    guard isRead, let id, let version else { return nil }
    self.init(
      id: id, externalID: texts["externalId"], accountID: texts["accountId"], userName: texts["userName"], email: texts["email"],
      displayName: texts["displayName"], givenName: texts["givenName"], familyName: texts["familyName"], role: texts["role"], state: state,
      title: texts["title"], department: texts["department"], manager: manager, version: version)
  }

  /// The names of the members that are strings.
  private static let texts: Set<String> = [
    "externalId", "accountId", "userName", "email", "displayName", "givenName", "familyName", "role", "title", "department",
  ]
}

extension PlainJSONWriter {
  /// Writes a member, unless its value is missing.
  mutating func member(_ name: String, _ manager: ManagerReference?) {
    guard let manager else { return }
    self.name(name)
    begin()
    member("displayName", manager.displayName)
    member("value", manager.value)
    end()
  }
}

extension ManagerReference {
  /// Reads an object with at least one member; nil for any other.
  init?(_ reader: inout PlainJSONReader) {
    var (value, displayName): (String?, String?)
    let isRead = reader.object { name, reader in
      guard let text = reader.string() else { return false }
      switch name {
      case "value": value = text
      case "displayName": displayName = text
      default: return false
      }
      return true
    }
    guard isRead else { return nil }
    self.init(value: value, displayName: displayName)
  }
}
