import Primitives

/// The maximum sizes of a resource and its attributes, in bytes of UTF-8.
///
/// Stored values are never rejected: an unchanged value, or a resource that becomes smaller, is valid.
public enum ResourceBounds {
  /// The maximum of `userName`, `externalId`, email addresses and group names, and of their comparison keys, which are indexed.
  public static let name = 1 << 10
  /// The maximum of other text.
  public static let text = 8 << 10
  /// The maximum of photos, certificates and other binary values.
  public static let binary = 256 << 10
  /// The maximum number of values of a multi-valued attribute, except the members of a group.
  public static let values = 1000
  /// The maximum of a stored resource; members of groups do not count.
  public static let resource = 512 << 10

  /// A bound in error messages: `8 kB`.
  static func size(_ bytes: Int) -> String { "\(bytes >> 10) kB" }

  /// Whether an indexed text and its comparison key are within ``name``.
  public static func isName(_ text: String) -> Bool {
    // The key is at most six times as long as the text, and most texts are short.
    text.utf8.count <= name / 6 || max(text.utf8.count, ComparisonKey(text).text.utf8.count) <= name
  }
}

extension UserDocument {
  /// Checks that the user is within the ``ResourceBounds``.
  ///
  /// - Parameters:
  ///   - stored: The open document of the user that this one replaces; its values are not checked again.
  ///   - schemas: The schemas that the user was read with.
  /// - Throws: `invalidValue` with the attribute and the bound.
  public func checkBounds(replacing stored: [UInt8]? = nil, schemas: ResourceSchemas) throws(SCIMError) {
    try BoundsCheck(schemas.user).check(attributes) { () throws(SCIMError) in
      guard let stored else { return nil }
      return try UserDocument(openDocument: stored, schemas: schemas).attributes
    }
  }
}

extension UserDocument {
  /// Replaces attributes that exceed a bound by the stored values, and returns the replaced ones.
  ///
  /// For writes that disable a user, which are applied as far as possible; see ``UnappliedChange``.
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
    // Each attribute is within its bound, but the resource as a whole is not.
    guard let error = violation(in: kept.attributes) else { return (kept, unapplied) }
    return (stored.settingActive(false), unapplied + [UnappliedChange(path: "*", detail: error.detail)])
  }
}

extension GroupDocument {
  /// Checks that the group is within the ``ResourceBounds``; members do not count.
  ///
  /// - Parameters:
  ///   - stored: The open document of the group that this one replaces; its values are not checked again.
  ///   - schemas: The schemas that the group was read with.
  /// - Throws: `invalidValue` with the attribute and the bound.
  public func checkBounds(replacing stored: [UInt8]? = nil, schemas: ResourceSchemas) throws(SCIMError) {
    try BoundsCheck(schemas.group).check(attributes) { () throws(SCIMError) in
      guard let stored else { return nil }
      return try GroupDocument(openDocument: stored, schemas: schemas).attributes
    }
  }
}

/// Checks the sizes of a resource in canonical form.
private struct BoundsCheck {
  let schema: ResourceSchema

  init(_ schema: ResourceSchema) { self.schema = schema }

  /// - Parameter stored: Returns the stored attributes; called only if a value exceeds a bound.
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
    // An escape sequence has at most six bytes.
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
      // A stored text is valid at any position in the attribute.
      let stored = storedTexts ?? Set(old.map { $0.texts(longerThan: ResourceBounds.name / 6) } ?? [])
      storedTexts = stored
      guard !stored.contains(text.value) else { continue }
      throw text.error()
    }
  }
}

/// Finds the texts in an attribute that exceed their bound.
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

  /// - Parameter bound: Returns the bound of a sub-attribute, or, for nil, of the attribute itself.
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
  /// The maximum number of values of a multi-valued sub-attribute.
  fileprivate var mostPartValues: Int {
    (array ?? [self]).reduce(0) { most, element in
      element.object?.members.reduce(most) { max($0, $1.value.array?.count ?? 0) } ?? most
    }
  }

  fileprivate var decimal: String? {
    if case .decimal(let lexeme) = self { lexeme } else { nil }
  }

  /// All strings in the value that are longer than `bytes`.
  fileprivate func texts(longerThan bytes: Int) -> [String] {
    switch self {
    case .string(let text), .decimal(let text): text.utf8.count > bytes ? [text] : []
    case .array(let elements): elements.flatMap { $0.texts(longerThan: bytes) }
    case .object(let object): object.members.flatMap { $0.value.texts(longerThan: bytes) }
    case .null, .bool, .integer: []
    }
  }
}
