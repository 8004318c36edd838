/// A parsed attribute path (RFC 7644 §3.10), such as `name.familyName` or
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`.
///
/// Paths are compared without case.
public struct AttributePath: Sendable {
  /// The schema URI: the text before the last colon.
  public let schema: String?
  /// The name of the attribute.
  public let attribute: String
  /// The name of the sub-attribute.
  public let subAttribute: String?

  /// Creates a path from its parts.
  public init(schema: String? = nil, attribute: String, subAttribute: String? = nil) {
    self.schema = schema
    self.attribute = attribute
    self.subAttribute = subAttribute
  }

  /// Parses a path; nil if `text` is not an attribute path.
  public init?(_ text: String) {
    var text = text
    guard let path = text.withUTF8({ Self.path(in: $0) }) else { return nil }
    self = path
  }

  private static func path(in bytes: UnsafeBufferPointer<UInt8>) -> AttributePath? {
    var schema: String?
    var start = 0
    if let colon = bytes.lastIndex(of: UInt8(ascii: ":")) {
      guard colon > 0, bytes[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") }) else { return nil }
      schema = text(bytes[..<colon])
      start = colon + 1
    }
    let end = bytes[start...].firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
    guard AttributeName.isValid(bytes[start..<end]) else { return nil }
    guard end < bytes.count else { return AttributePath(schema: schema, attribute: text(bytes[start..<end])) }
    guard AttributeName.isValid(bytes[(end + 1)...]) else { return nil }
    return AttributePath(schema: schema, attribute: text(bytes[start..<end]), subAttribute: text(bytes[(end + 1)...]))
  }

  private static func text(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes), as: UTF8.self)
  }

  /// Returns the path with another sub-attribute.
  public func appending(_ subAttribute: String) -> AttributePath {
    AttributePath(schema: schema, attribute: attribute, subAttribute: subAttribute)
  }

  /// The path without its sub-attribute.
  public var parent: AttributePath { AttributePath(schema: schema, attribute: attribute) }

  /// The path as the URI of a schema, which is also valid as a path.
  var asSchemaURI: String? {
    guard let schema, subAttribute == nil else { return nil }
    return schema + ":" + attribute
  }
}

extension AttributePath: CustomStringConvertible {
  public var description: String {
    var text = attribute
    if let schema { text = schema + ":" + text }
    if let subAttribute { text += "." + subAttribute }
    return text
  }
}

extension AttributePath: Hashable {
  public static func == (left: AttributePath, right: AttributePath) -> Bool {
    AttributeName.equal(left.attribute, right.attribute) && equal(left.subAttribute, right.subAttribute)
      && equal(left.schema, right.schema)
  }

  private static func equal(_ left: String?, _ right: String?) -> Bool {
    switch (left, right) {
    case (let left?, let right?): AttributeName.equal(left, right)
    case (nil, nil): true
    default: false
    }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(AttributeName.folded(attribute))
    hasher.combine(subAttribute.map(AttributeName.folded))
    hasher.combine(schema.map(AttributeName.folded))
  }
}

extension AttributePath: ExpressibleByStringLiteral {
  /// Creates a path from a literal. Text that is not a path becomes an attribute name that no schema has.
  public init(stringLiteral value: String) {
    self = AttributePath(value) ?? AttributePath(attribute: value)
  }
}
