import Primitives

/// How large the parts of a resource may be, in bytes of UTF-8.
///
/// A bound never rejects what is stored already: a value that stays as it is, or a resource that gets smaller, passes.
public enum ResourceBounds {
  /// userName, externalId, email addresses and names of groups, and what they are compared by: these are in indexes of the database.
  public static let name = 1 << 10
  /// Any other text.
  public static let text = 8 << 10
  /// Photos, certificates and other binary values.
  public static let binary = 256 << 10
  /// The values of one multi-valued attribute; a group's members are not counted.
  public static let values = 1000
  /// A whole resource as it is stored; a group without its members.
  public static let resource = 512 << 10

  /// The size of a bound for messages: `8 kB`.
  static func size(_ bytes: Int) -> String { "\(bytes >> 10) kB" }

  /// Whether a text that is in an index, and what it is compared by, are within the bound of names.
  public static func isName(_ text: String) -> Bool {
    // No text of a sixth of the bound has a key beyond it, and most are shorter.
    text.utf8.count <= name / 6 || max(text.utf8.count, ComparisonKey(text).text.utf8.count) <= name
  }
}

extension UserDocument {
  /// Checks that the user is within the ``ResourceBounds``.
  ///
  /// - Parameter stored: The open document of the user that this one replaces. What it has already is not checked.
  /// - Throws: `invalidValue`, which names the attribute and the bound.
  public func checkBounds(replacing stored: [UInt8]? = nil, schemas: ResourceSchemas) throws(SCIMError) {
    try BoundsCheck(schemas.user).check(attributes) { () throws(SCIMError) in
      guard let stored else { return nil }
      return try UserDocument(openDocument: stored, schemas: schemas).attributes
    }
  }
}

extension UserDocument {
  /// This user as the replacement of a stored one, with the stored values of attributes that are beyond a bound, and which these are: a
  /// write that disables somebody is applied as far as it can be.
  public func withinBounds(
    replacing stored: UserDocument, schemas: ResourceSchemas
  ) -> (document: UserDocument, unapplied: [UnappliedChange]) {
    let check = BoundsCheck(schemas.user)
    func violation(in attributes: JSONObject) -> SCIMError? {
      do throws(SCIMError) {
        try check.check(attributes) { stored.attributes }
        return nil
      } catch {
        return error
      }
    }
    guard violation(in: attributes) != nil else { return (self, []) }
    var kept = self
    var unapplied: [UnappliedChange] = []
    for member in attributes where member.key != CommonAttributes.schemas.name && member.value != stored.attributes[member.key] {
      var probe = stored.attributes
      probe[member.key] = member.value
      guard let error = violation(in: probe) else { continue }
      kept = kept.keeping(member.key, of: stored, schemas: schemas)
      unapplied.append(UnappliedChange(path: member.key, detail: error.detail))
    }
    // Each by itself is within its bound, and all together are not.
    guard let error = violation(in: kept.attributes) else { return (kept, unapplied) }
    return (stored.settingActive(false), unapplied + [UnappliedChange(path: "*", detail: error.detail)])
  }
}

extension GroupDocument {
  /// As ``UserDocument/checkBounds(replacing:schemas:)``; members are not counted.
  public func checkBounds(replacing stored: [UInt8]? = nil, schemas: ResourceSchemas) throws(SCIMError) {
    try BoundsCheck(schemas.group).check(attributes) { () throws(SCIMError) in
      guard let stored else { return nil }
      return try GroupDocument(openDocument: stored, schemas: schemas).attributes
    }
  }
}

/// Checks the attributes of a resource in canonical form.
private struct BoundsCheck {
  let schema: ResourceSchema

  init(_ schema: ResourceSchema) { self.schema = schema }

  /// - Parameter stored: What is stored already; read only where something is beyond a bound.
  func check(_ attributes: JSONObject, stored: () throws(SCIMError) -> JSONObject?) throws(SCIMError) {
    do throws(SCIMError) {
      try check(attributes, replacing: nil)
    } catch {
      guard let before = try stored() else { throw error }
      try check(attributes, replacing: before)
    }
  }

  private func check(_ attributes: JSONObject, replacing before: JSONObject?) throws(SCIMError) {
    for member in attributes where member.key != CommonAttributes.schemas.name {
      let old = before?[member.key]
      if let definition = schema.attribute(named: member.key) {
        try check(member.value, of: definition, at: definition.name, replacing: old)
      } else if let schemaExtension = schema.schemaExtension(member.key), let parts = member.value.object {
        for part in parts {
          guard let definition = schemaExtension.attribute(named: part.key) else { continue }
          try check(part.value, of: definition, at: "\(schemaExtension.id):\(definition.name)", replacing: old?.object?[part.key])
        }
      }
    }
    // An escape sequence is six bytes at most.
    guard JSON.object(attributes).textBytes > ResourceBounds.resource / 6 else { return }
    let size = attributes.serialized().count
    guard size > ResourceBounds.resource else { return }
    if let before, size <= before.serialized().count { return }
    throw .badRequest(
      .invalidValue,
      """
      The \(schema.name) is \(size) bytes long as JSON; at most \(ResourceBounds.resource) bytes (\(ResourceBounds.size(ResourceBounds.resource))) \
      are stored. Leave attributes that the product does not need out of the identity provider's mappings.
      """)
  }

  private func check(
    _ value: JSON, of definition: AttributeDefinition, at path: String, replacing old: JSON?
  ) throws(SCIMError) {
    guard value != old else { return }
    if definition.isMultiValued, let values = value.array {
      let allowed = max(ResourceBounds.values, old?.array?.count ?? 0)
      guard values.count <= allowed else {
        throw .badRequest(
          .invalidValue, "\(path) has \(values.count) values; an attribute has at most \(ResourceBounds.values). Send fewer values.")
      }
    }
    if definition.type == .complex {
      let allowed = max(ResourceBounds.values, old?.mostPartValues ?? 0)
      guard value.mostPartValues <= allowed else {
        throw .badRequest(
          .invalidValue, "A part of \(path) has more than \(ResourceBounds.values) values, which is the most. Send fewer values.")
      }
    }
    var storedTexts: Set<String>?
    for text in OversizedTexts(of: definition, in: value, at: path, isEmail: definition.name == "emails", schema: schema).found {
      // What is stored already stays, wherever in the attribute it is.
      let stored = storedTexts ?? Set(old.map { $0.texts(longerThan: ResourceBounds.name / 6) } ?? [])
      storedTexts = stored
      guard !stored.contains(text.value) else { continue }
      throw text.error()
    }
  }
}

/// The texts in an attribute that are longer than they may be.
private struct OversizedTexts {
  struct Text {
    let path: String
    let value: String
    let bound: Int

    func error() -> SCIMError {
      .badRequest(
        .invalidValue,
        """
        \(path) is \(value.utf8.count) bytes long; at most \(bound) bytes (\(ResourceBounds.size(bound))) of UTF-8 are stored\
        \(bound == ResourceBounds.name ? ", and as many of its lower-case form" : ""). Shorten it.
        """)
    }
  }

  private(set) var found: [Text] = []
  private let schema: ResourceSchema

  init(of definition: AttributeDefinition, in value: JSON, at path: String, isEmail: Bool, schema: ResourceSchema) {
    self.schema = schema
    let isCore = path == definition.name
    let isName = isCore && (["userName", "externalId"].contains(path) || schema.name == "Group" && path == "displayName")
    let isBinary = isCore && ["photos", "x509Certificates"].contains(path)
    collect(in: value, at: path) { part in
      if isName || isCore && isEmail && part == "value" { return ResourceBounds.name }
      if isBinary && part == "value" || Self.type(of: part, in: definition) == .binary { return ResourceBounds.binary }
      return ResourceBounds.text
    }
  }

  private static func type(of part: String?, in definition: AttributeDefinition) -> AttributeDefinition.DataType {
    part.flatMap { definition.subAttribute(named: $0)?.type } ?? definition.type
  }

  /// - Parameter bound: That of a sub-attribute's text, or, with nil, of the attribute's own.
  private mutating func collect(in value: JSON, at path: String, bound: (String?) -> Int) {
    guard let elements = value.array else { return collect(from: value, at: path, bound: bound) }
    for (index, element) in elements.enumerated() { collect(from: element, at: "\(path)[\(index)]", bound: bound) }
  }

  private mutating func collect(from value: JSON, at path: @autoclosure () -> String, bound: (String?) -> Int) {
    guard let parts = value.object else { return record(value, at: path(), bound(nil)) }
    for part in parts {
      if let elements = part.value.array {
        for element in elements { record(element, at: "\(path()).\(part.key)", bound(part.key)) }
      } else {
        record(part.value, at: "\(path()).\(part.key)", bound(part.key))
      }
    }
  }

  private mutating func record(_ value: JSON, at path: @autoclosure () -> String, _ bound: Int) {
    guard let text = value.string ?? value.decimal else { return }
    if bound == ResourceBounds.name ? ResourceBounds.isName(text) : text.utf8.count <= bound { return }
    found.append(Text(path: path(), value: text, bound: bound))
  }
}

extension JSON {
  /// The most values that a multi-valued part of a complex value has.
  fileprivate var mostPartValues: Int {
    (array ?? [self]).reduce(0) { most, element in
      element.object?.members.reduce(most) { max($0, $1.value.array?.count ?? 0) } ?? most
    }
  }

  fileprivate var decimal: String? {
    if case .decimal(let lexeme) = self { lexeme } else { nil }
  }

  /// All strings in the value that are longer than so many bytes.
  fileprivate func texts(longerThan bytes: Int) -> [String] {
    switch self {
    case .string(let text), .decimal(let text): text.utf8.count > bytes ? [text] : []
    case .array(let elements): elements.flatMap { $0.texts(longerThan: bytes) }
    case .object(let object): object.members.flatMap { $0.value.texts(longerThan: bytes) }
    case .null, .bool, .integer: []
    }
  }
}
