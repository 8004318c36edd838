/// A user as a client describes one: valid by the schemas, in canonical form, without what the service provider itself decides
/// (`id`, `meta`, `groups`) and without the password.
public struct UserDocument: Sendable, Hashable {
  /// `schemas` first, then the attributes in the order of the schema, then the extensions by their URIs.
  public private(set) var attributes: JSONObject
  private let roleAttribute: String

  /// Checks what a client sent.
  ///
  /// - Throws: A 400 that names the attribute, what was expected and what came.
  public init(_ json: JSON, schemas: ResourceSchemas) throws(SCIMError) {
    attributes = try ResourceReader(schema: schemas.user).read(json)
    roleAttribute = schemas.roleAttribute
  }

  /// Reads a stored document, whose closing braces are missing.
  ///
  /// - Throws: A 500 where storage holds no user.
  public init(openDocument: [UInt8], schemas: ResourceSchemas) throws(SCIMError) {
    attributes = try ResourceReader(schema: schemas.user).readStored(OpenDocument.parse(openDocument))
    roleAttribute = schemas.roleAttribute
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

  /// What the person is called by the identity provider, as sent.
  public var userName: String { attributes["userName"]?.string ?? "" }
  /// nil where it is blank, which documents of earlier versions may have.
  public var externalID: String? { attributes["externalId"]?.string.flatMap { $0.isBlank ? nil : $0 } }
  public var displayName: String? { attributes["displayName"]?.string }
  public var givenName: String? { name("givenName") }
  public var familyName: String? { name("familyName") }
  /// `name.formatted`, or the given and family name together.
  public var formattedName: String? {
    if let formatted = name("formatted") { return formatted }
    let parts = [givenName, familyName].compactMap { $0 }.filter { !$0.isEmpty }
    return parts.isEmpty ? nil : parts.joined(separator: " ")
  }

  /// Where mail for the person goes: the primary address, else the one for work, else the first, else a userName that is an address.
  public var email: String? {
    let values = (attributes["emails"]?.array ?? []).compactMap(\.object).filter { $0["value"]?.string?.isEmpty == false }
    let chosen =
      values.first { $0["primary"] == .bool(true) } ?? values.first { $0["type"]?.string?.lowercased() == "work" } ?? values.first
    return chosen?["value"]?.string ?? (userName.contains("@") ? userName : nil)
  }

  /// Every address that the person is said to have, as sent.
  public var emails: [String] {
    (attributes["emails"]?.array ?? []).compactMap { $0.object?["value"]?.string }.filter { !$0.isEmpty }
  }

  /// Whether the person may use the product; true unless the client says false.
  public var active: Bool { attributes["active"]?.bool ?? true }
  /// The product role as the client names it.
  public var role: String? {
    guard let role = named(attributes[roleAttribute]), !role.isBlank else { return nil }
    return role
  }
  /// A BCP 47 tag: the preferred language, else the locale.
  public var language: String? { attributes["preferredLanguage"]?.string ?? attributes["locale"]?.string }

  /// The same user with that `active`, in its place: documents that say the same are the same, byte for byte.
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

  /// The attributes that a document has before `active`.
  private static let beforeActive = Set(
    (CommonAttributes.leading + SchemaDefinition.user.attributes.prefix { $0.name != "active" }).map(\.name))

  /// The document as it travels in a command.
  public func json() -> [UInt8] { attributes.serialized() }

  /// The document as it is stored: with `id` and `active`, up to and inside `meta`, without the two closing braces.
  ///
  /// - Parameter created: RFC 3339, in UTC.
  public func openDocument(id: String, created: String) -> [UInt8] {
    OpenDocument.bytes(attributes, resourceType: "User", id: id, created: created)
  }

  /// The role in the attribute's value; where it has many, as `roles` has, in the primary one or else the first.
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
