/// A group as a client describes one: valid by the schema, with its members apart from its attributes.
public struct GroupDocument: Sendable, Hashable {
  /// `schemas` first, then the attributes in the order of the schema; never `members`.
  public private(set) var attributes: JSONObject
  /// The members that the client gave, each once, in its order.
  public let members: [MemberReference]

  /// Checks what a client sent.
  ///
  /// - Throws: A 400 that names the attribute, what was expected and what came.
  public init(_ json: JSON, schemas: ResourceSchemas) throws(SCIMError) {
    var attributes = try ResourceReader(schema: schemas.group).read(json)
    let read = attributes["members"]
    attributes["members"] = nil
    self.attributes = attributes
    // As sent: of a member without an id the reader, which leaves out what is read-only, would leave nothing to complain about.
    let sent = (json.object?.value(forAttribute: "members") ?? read)?.array ?? []
    members = try MemberReference.list(sent)
  }

  /// Reads a stored document, whose closing braces are missing.
  ///
  /// - Throws: A 500 where storage holds no group.
  public init(openDocument: [UInt8], schemas: ResourceSchemas) throws(SCIMError) {
    attributes = try ResourceReader(schema: schemas.group).readStored(OpenDocument.parse(openDocument))
    members = []
  }

  init(patched attributes: JSONObject) {
    self.attributes = attributes
    members = []
  }

  /// This group as the replacement of a stored one (RFC 7644 §3.5.1). Immutable attributes that it lacks keep their stored values.
  ///
  /// - Throws: `mutability` if an immutable attribute has another value than the stored one.
  public func replacing(_ stored: GroupDocument, schemas: ResourceSchemas) throws(SCIMError) -> GroupDocument {
    guard !schemas.group.immutables.isEmpty else { return self }
    var copy = self
    copy.attributes = try schemas.group.keepingImmutables(of: stored.attributes, in: attributes)
    return copy
  }

  /// This group as the replacement of the one in an open document; see ``replacing(_:schemas:)``.
  ///
  /// - Throws: `mutability` if an immutable attribute has another value than the stored one; a 500 if the document cannot be read.
  public func replacing(openDocument: [UInt8], schemas: ResourceSchemas) throws(SCIMError) -> GroupDocument {
    guard !schemas.group.immutables.isEmpty else { return self }
    return try replacing(GroupDocument(openDocument: openDocument, schemas: schemas), schemas: schemas)
  }

  public var displayName: String { attributes["displayName"]?.string ?? "" }
  /// nil where it is blank, which documents of earlier versions may have.
  public var externalID: String? { attributes["externalId"]?.string.flatMap { $0.isBlank ? nil : $0 } }

  /// The document as it travels in a command, members included.
  public func json() -> [UInt8] {
    var object = attributes
    if !members.isEmpty { object["members"] = .array(members.map(\.json)) }
    return object.serialized()
  }

  /// The document as it is stored: without members, up to and inside `meta`, without the two closing braces.
  ///
  /// - Parameter created: RFC 3339, in UTC.
  public func openDocument(id: String, created: String) -> [UInt8] {
    OpenDocument.bytes(attributes, resourceType: "Group", id: id, created: created)
  }
}

/// A user in a group, as the client refers to it (RFC 7643 §4.2).
public struct MemberReference: Sendable, Hashable {
  /// The id of the user.
  public let value: String
  /// The name that the client gave; ours is served.
  public let display: String?

  public init(value: String, display: String? = nil) {
    self.value = value
    self.display = display
  }

  var json: JSON { ["value": .string(value)] }

  /// Reads values of `members`, in canonical form; null is no value, and a user that is there twice counts once.
  static func list(_ values: [JSON]) throws(SCIMError) -> [MemberReference] {
    var seen: Set<String> = []
    seen.reserveCapacity(values.count)
    var members: [MemberReference] = []
    members.reserveCapacity(values.count)
    for (index, value) in values.enumerated() where value != .null {
      guard let object = value.object else {
        throw .badRequest(.invalidValue, "members[\(index)] must be an object with the id of a user as its value, found \(value.summary).")
      }
      guard let id = object.value(forAttribute: "value")?.string, !id.isEmpty else {
        let found = object.value(forAttribute: "value")?.summary ?? "nothing"
        throw .badRequest(.invalidValue, "members[\(index)].value must be the id of a user, found \(found).")
      }
      if let type = object.value(forAttribute: "type")?.string, !AttributeName.equal(type, "User") {
        throw .badRequest(.invalidValue, "members holds a \(type) with the id \(id); a group's members are users here.")
      }
      if seen.insert(id).inserted { members.append(MemberReference(value: id, display: object.value(forAttribute: "display")?.string)) }
    }
    return members
  }
}
