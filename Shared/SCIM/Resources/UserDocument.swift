/// A validated user in canonical form, without the attributes of the service provider (`id`, `meta`, `groups`) and without the password.
public struct UserDocument: Sendable, Hashable {
  /// `schemas`, then the attributes in the schema's order, then the extensions under their URIs.
  public private(set) var attributes: JSONObject
  private let roleAttribute: String

  /// Validates a user that a client sent.
  ///
  /// - Throws: A 400 with the attribute, what was expected and what was found.
  public init(_ json: JSON, schemas: ResourceSchemas) throws(SCIMError) {
    attributes = try ResourceReader(schema: schemas.user).read(json)
    roleAttribute = schemas.roleAttribute
  }

  /// Reads the result of ``json()``, which was validated with the same schemas and is not validated again; nil if it is no object.
  public init?(validated json: JSON, schemas: ResourceSchemas) {
    guard let attributes = json.object else { return nil }
    self.init(patched: attributes, schemas: schemas)
  }

  /// Reads a stored document; see ``openDocument(id:created:)``.
  ///
  /// - Throws: A 500 if the document cannot be read.
  public init(openDocument: [UInt8], schemas: ResourceSchemas) throws(SCIMError) {
    attributes = try ResourceReader(schema: schemas.user).readStored(OpenDocument.parse(openDocument))
    roleAttribute = schemas.roleAttribute
  }

  /// The attributes of a stored document as they are, without validation; see ``openDocument(id:created:)``.
  ///
  /// - Throws: A 500 if the document cannot be read.
  public static func attributes(ofOpenDocument openDocument: [UInt8]) throws(SCIMError) -> JSONObject {
    try OpenDocument.parse(openDocument).object ?? JSONObject()
  }

  init(patched attributes: JSONObject, schemas: ResourceSchemas) {
    self.attributes = attributes
    roleAttribute = schemas.roleAttribute
  }

  /// This user as the replacement of a stored one (RFC 7644 §3.5.1). Immutable attributes that it lacks keep their stored values.
  ///
  /// - Throws: `mutability` if an immutable attribute has another value than the stored one.
  public func replacing(_ stored: UserDocument, schemas: ResourceSchemas) throws(SCIMError) -> UserDocument {
    guard !schemas.user.immutables.isEmpty else { return self }
    var copy = self
    copy.attributes = try schemas.user.keepingImmutables(of: stored.attributes, in: attributes)
    return copy
  }

  /// This user as the replacement of the one in an open document; see ``replacing(_:schemas:)``.
  ///
  /// - Throws: `mutability` if an immutable attribute has another value than the stored one; a 500 if the document cannot be read.
  public func replacing(openDocument: [UInt8], schemas: ResourceSchemas) throws(SCIMError) -> UserDocument {
    guard !schemas.user.immutables.isEmpty else { return self }
    return try replacing(UserDocument(openDocument: openDocument, schemas: schemas), schemas: schemas)
  }

  /// The unique name of the user, as sent.
  public var userName: String { attributes["userName"]?.string ?? "" }
  /// The client's identifier; nil if it is blank, as in documents of earlier versions.
  public var externalID: String? { attributes["externalId"]?.string.flatMap { $0.isBlank ? nil : $0 } }
  /// The name to show.
  public var displayName: String? { attributes["displayName"]?.string }
  /// `name.givenName`; nil if it is empty.
  public var givenName: String? { name("givenName") }
  /// `name.familyName`; nil if it is empty.
  public var familyName: String? { name("familyName") }
  /// `name.formatted`, or the given name and the family name.
  public var formattedName: String? {
    if let formatted = name("formatted") { return formatted }
    let parts = [givenName, familyName].compactMap { $0 }.filter { !$0.isEmpty }
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }

  /// The address for mail: the primary one, else the work address, else the first one, else a `userName` that is an address.
  public var email: String? {
    let values = (attributes["emails"]?.array ?? []).compactMap(\.object).filter { $0["value"]?.string?.isEmpty == false }
    let chosen =
      values.first { $0["primary"] == .bool(true) } ?? values.first { $0["type"]?.string?.lowercased() == "work" } ?? values.first
    return chosen?["value"]?.string ?? (userName.contains("@") ? userName : nil)
  }

  /// All addresses, as sent.
  public var emails: [String] {
    (attributes["emails"]?.array ?? []).compactMap { $0.object?["value"]?.string }.filter { !$0.isEmpty }
  }

  /// Whether the user may use the product; true unless the client sent false.
  public var active: Bool { attributes["active"]?.bool ?? true }
  /// The product role, as sent; nil if it is blank.
  public var role: String? {
    guard let role = named(attributes[roleAttribute]), !role.isBlank else { return nil }
    return role
  }
  /// The language as a BCP 47 tag: `preferredLanguage`, else `locale`.
  public var language: String? { attributes["preferredLanguage"]?.string ?? attributes["locale"]?.string }

  /// Returns the user with another `active`, at its position in the schema, so that equal documents have equal bytes.
  public func settingActive(_ active: Bool) -> UserDocument {
    var copy = self
    if attributes["active"] != nil {
      copy.attributes["active"] = .bool(active)
    } else {
      let position = attributes.members.firstIndex { !Self.beforeActive.contains($0.key) } ?? attributes.count
      copy.attributes.insertNew("active", .bool(active), at: position)
    }
    return copy
  }

  /// The attributes that precede `active` in a document.
  private static let beforeActive = Set(
    (CommonAttributes.leading + SchemaDefinition.user.attributes.prefix { $0.name != "active" }).map(\.name))

  /// The document as JSON text.
  public func json() -> [UInt8] { attributes.serialized() }

  /// The document for storage: JSON text that ends within `meta`, without the last two closing braces, so that `lastModified`, `version` and
  /// groups can be appended without parsing.
  ///
  /// - Parameters:
  ///   - id: The id of the user.
  ///   - created: The time of creation (RFC 3339), in UTC.
  public func openDocument(id: String, created: String) -> [UInt8] {
    OpenDocument.bytes(attributes, resourceType: "User", id: id, created: created)
  }

  /// The role in the attribute's value. Of several values, as in `roles`, the primary or the first one counts.
  private func named(_ role: JSON?) -> String? {
    guard let values = role?.array else { return role?.string }
    let chosen = values.first { $0.object?["primary"] == .bool(true) } ?? values.first
    return chosen?.string ?? chosen?.object?["value"]?.string
  }

  private func name(_ part: String) -> String? {
    guard let text = attributes["name"]?.object?[part]?.string, !text.isEmpty else { return nil }
    return text
  }
}
