extension SchemaDefinition {
  /// The maximum number of attributes of an extension, and of sub-attributes of one of them.
  public static let maximumAttributes = 200

  /// Checks whether a schema can be used as an extension of `resource`.
  ///
  /// - Throws: `invalidValue` with the position of the error, and what would be valid.
  public func checkAsExtension(of resource: ResourceSchema) throws(SCIMError) {
    try checkURI(beside: resource)
    guard !attributes.isEmpty, attributes.count <= Self.maximumAttributes else {
      throw wrong("has \(attributes.count) attributes; it needs 1 to \(Self.maximumAttributes).")
    }
    try check(attributes, under: "")
  }

  private func wrong(_ what: String) -> SCIMError {
    .badRequest(.invalidValue, "The extension \(id.isEmpty ? "without an id" : String(id.prefix(200))) \(what)")
  }

  /// Checks that the id is a URN (RFC 8141, `urn:NID:NSS`) that no other schema of the resource has.
  private func checkURI(beside resource: ResourceSchema) throws(SCIMError) {
    let parts = id.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, AttributeName.equal(String(parts[0]), "urn"), Self.isNamespace(parts[1]), Self.isSpecific(parts[2]),
      id.utf8.count <= 255
    else {
      throw wrong(
        "needs a URN of the form urn:NAMESPACE:NAME as its id, such as urn:example:scim:schemas:acme:2.0:User, of letters, digits and -._:")
    }
    guard !AttributeName.equal(id, resource.core.id), resource.schemaExtension(id) == nil else {
      throw wrong("has an id that another schema of \(resource.name) has already.")
    }
    for reserved in ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:"]
    where id.utf8.count >= reserved.utf8.count && AttributeName.equal(String(id.prefix(reserved.count)), reserved) {
      throw wrong("has an id below \(reserved), which the standard keeps for itself. Use a namespace of your own.")
    }
  }

  /// Whether the text is a NID (RFC 8141 §2): 2 to 32 letters, digits and inner hyphens.
  private static func isNamespace(_ text: Substring) -> Bool {
    (2...32).contains(text.utf8.count) && !text.hasPrefix("-") && !text.hasSuffix("-")
      && text.utf8.allSatisfy { $0 != UInt8(ascii: "_") && AttributeName.isNameByte($0) }
  }

  /// Whether the text is valid after the namespace. Its last part must be a name, so that attribute paths are unambiguous.
  private static func isSpecific(_ text: Substring) -> Bool {
    guard let last = text.split(separator: ":", omittingEmptySubsequences: false).last, AttributeName.isValid(last) else { return false }
    return text.utf8.allSatisfy { AttributeName.isNameByte($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
  }

  private func check(_ attributes: [AttributeDefinition], under parent: String) throws(SCIMError) {
    var names: Set<String> = []
    for attribute in attributes {
      let path = parent + attribute.name
      // RFC 7643 §2.1.
      guard AttributeName.isValid(attribute.name[...]), attribute.name.utf8.count <= 100,
        !attribute.name.hasPrefix("$") || !parent.isEmpty && attribute.name == "$ref"
      else {
        throw wrong("has an attribute '\(path.prefix(100))'; a name is a letter, then letters, digits, - and _ (RFC 7643 §2.1).")
      }
      guard names.insert(AttributeName.folded(attribute.name)).inserted else {
        throw wrong("has two attributes named '\(path)'; names are compared without case.")
      }
      try check(attribute, at: path, isPart: !parent.isEmpty)
    }
  }

  private func check(_ attribute: AttributeDefinition, at path: String, isPart: Bool) throws(SCIMError) {
    guard attribute.mutability == .readWrite || attribute.mutability == .immutable && !isPart else {
      let possible = isPart ? "a sub-attribute can be readWrite only" : "possible are readWrite and immutable"
      throw wrong("says that \(path) is \(attribute.mutability.rawValue); \(possible).")
    }
    guard attribute.type == .complex else {
      guard attribute.subAttributes.isEmpty else { throw wrong("has sub-attributes for \(path), which is not complex.") }
      return
    }
    // RFC 7643 §2.3.8.
    guard !isPart else { throw wrong("has a complex attribute \(path) inside of a complex attribute, which SCIM does not have.") }
    guard !attribute.subAttributes.isEmpty, attribute.subAttributes.count <= Self.maximumAttributes else {
      throw wrong("has a complex attribute \(path) with \(attribute.subAttributes.count) sub-attributes; it needs 1 or more.")
    }
    try check(attribute.subAttributes, under: path + ".")
  }
}
