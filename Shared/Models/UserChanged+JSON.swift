import Foundation
import Primitives

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
    json.member("displayName", user.displayName)
    json.member("email", user.email)
    json.member("familyName", user.familyName)
    json.member("firstSignedInAt", user.firstSignedInAt.map(Timestamp.text))
    json.member("givenName", user.givenName)
    json.member("id", user.id.description)
    json.member("language", user.language)
    json.member("role", user.role)
    json.member("state", user.state.rawValue)
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
    let isRead = reader.object { name, reader in
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
      language: language, role: role, firstSignedInAt: firstSignedInAt)
  }
}

/// Writes JSON objects of strings and integers.
private struct PlainJSONWriter {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  init() { bytes.reserveCapacity(512) }

  mutating func begin() {
    bytes.append(UInt8(ascii: "{"))
    needsComma = false
  }

  mutating func end() {
    bytes.append(UInt8(ascii: "}"))
    needsComma = true
  }

  /// Writes the name of a member, whose value must follow.
  mutating func name(_ name: String) {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    JSONEscaping.append(name, to: &bytes)
    bytes.append(UInt8(ascii: ":"))
    needsComma = true
  }

  /// Writes a member, unless its value is missing.
  mutating func member(_ name: String, _ text: String?) {
    guard let text else { return }
    self.name(name)
    JSONEscaping.append(text, to: &bytes)
  }

  mutating func integer(_ number: Int64) {
    bytes += String(number).utf8
  }
}

/// Reads JSON objects of objects, integers and strings without escapes, as ``PlainJSONWriter`` usually writes them, without white space.
private struct PlainJSONReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(_ bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  /// Whether `read` accepts the bytes, and reads all of them.
  static func read(_ bytes: [UInt8], _ read: (inout PlainJSONReader) -> Bool) -> Bool {
    bytes.withUnsafeBufferPointer { bytes in
      var reader = PlainJSONReader(bytes)
      return read(&reader) && reader.position == bytes.count
    }
  }

  /// Reads an object, whose members must be in the order of their names, so that each is there once.
  ///
  /// - Parameter member: reads the value of the member with this name; false if it cannot.
  mutating func object(_ member: (_ name: String, inout PlainJSONReader) -> Bool) -> Bool {
    guard take(UInt8(ascii: "{")) else { return false }
    var last = ""
    repeat {
      guard let name = string(), name > last, take(UInt8(ascii: ":")), member(name, &self) else { return false }
      last = name
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "}"))
  }

  /// Reads a string; nil if there is none, or if it has escapes or invalid UTF-8.
  mutating func string() -> String? {
    guard take(UInt8(ascii: "\"")) else { return nil }
    let start = position
    while position < bytes.count, !JSONEscaping.needsEscape(bytes[position]) { position += 1 }
    let text = UnsafeBufferPointer(rebasing: bytes[start..<position])
    return take(UInt8(ascii: "\"")) ? String(validating: text, as: UTF8.self) : nil
  }

  /// Reads a positive integer of at most 18 digits.
  mutating func integer() -> Int64? {
    let start = position
    var number: Int64 = 0
    while position < bytes.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = bytes[position] {
      number = number &* 10 &+ Int64(bytes[position] & 0xF)
      position += 1
    }
    let isInRange = (1...18).contains(position - start) && bytes[start] != UInt8(ascii: "0")
    return isInRange ? number : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }
}
