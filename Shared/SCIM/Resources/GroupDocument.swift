/// A validated group in canonical form. Members are separate from the other attributes.
public struct GroupDocument: Sendable, Hashable {
  /// `schemas`, then the attributes in the schema's order; without `members`.
  public private(set) var attributes: JSONObject
  /// The members that the client sent, in order and without duplicates.
  public let members: [MemberReference]

  /// Validates a group that a client sent.
  ///
  /// - Throws: A 400 with the attribute, what was expected and what was found.
  public init(_ json: JSON, schemas: ResourceSchemas) throws(SCIMError) {
    var attributes = try ResourceReader(schema: schemas.group).read(json)
    let read = attributes["members"]
    attributes["members"] = nil
    self.attributes = attributes
    // The original values: the reader removes read-only parts, and would hide a member without an id.
    let sent = (json.object?.value(forAttribute: "members") ?? read)?.array ?? []
    members = try MemberReference.list(sent)
  }

  /// Reads the result of ``json()``, which was validated with the same schemas; nil if it is no object.
  ///
  /// - Throws: A 400 if a member is malformed: members are not part of the canonical attributes, and are always read.
  public init?(validated json: JSON) throws(SCIMError) {
    guard var attributes = json.object else { return nil }
    members = try MemberReference.list(attributes["members"]?.array ?? [])
    attributes["members"] = nil
    self.attributes = attributes
  }

  /// Reads a stored document; see ``openDocument(id:created:)``.
  ///
  /// - Throws: A 500 if the document cannot be read.
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

  /// The name of the group.
  public var displayName: String { attributes["displayName"]?.string ?? "" }
  /// The client's identifier; nil if it is blank, as in documents of earlier versions.
  public var externalID: String? { attributes["externalId"]?.string.flatMap { $0.isBlank ? nil : $0 } }

  /// The document as JSON text, with members.
  public func json() -> [UInt8] {
    var object = attributes
    if !members.isEmpty { object["members"] = .array(members.map(\.json)) }
    return object.serialized()
  }

  /// The document for storage: JSON text without members that ends within `meta`, without the last two closing braces, so that
  /// `lastModified`, `version` and members can be appended without parsing.
  ///
  /// - Parameters:
  ///   - id: The id of the group.
  ///   - created: The time of creation (RFC 3339), in UTC.
  public func openDocument(id: String, created: String) -> [UInt8] {
    OpenDocument.bytes(attributes, resourceType: "Group", id: id, created: created)
  }
}

/// A member of a group, as sent by a client (RFC 7643 §4.2).
public struct MemberReference: Sendable, Hashable {
  /// The id of the user.
  public let value: String
  /// The display name that the client sent; responses have the stored one.
  public let display: String?

  /// Creates a reference.
  public init(value: String, display: String? = nil) {
    self.value = value
    self.display = display
  }

  var json: JSON { ["value": .string(value)] }

  /// Reads the values of `members`, without null and duplicates.
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
