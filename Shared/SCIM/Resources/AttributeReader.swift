import Primitives

/// Validates the value of an attribute against its definition.
enum AttributeReader {
  /// Returns the value in canonical form; nil if it is unassigned (RFC 7643 §2.5): null, an empty array or an empty complex value.
  static func value(_ json: JSON, of definition: AttributeDefinition) throws(InvalidValue) -> JSON? {
    if json == .null { return nil }
    guard definition.isMultiValued else { return try single(json, of: definition) }
    guard case .array(let elements) = json else { throw .expected("an array", json) }
    var values: [JSON] = []
    values.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      do throws(InvalidValue) {
        if let value = try single(element, of: definition) { values.append(value) }
      } catch {
        throw error.below("[\(index)]")
      }
    }
    try checkPrimary(values)
    return values.isEmpty ? nil : .array(values)
  }

  /// Returns one value of the attribute in canonical form; nil if it is unassigned.
  static func single(_ json: JSON, of definition: AttributeDefinition) throws(InvalidValue) -> JSON? {
    if json == .null { return nil }
    switch definition.type {
    case .complex: return try complex(json, of: definition)
    case .string, .reference:
      guard case .string(let text) = json else { throw .expected("a string", json) }
      guard !(definition.isRequired && text.isBlank) else {
        throw InvalidValue(complaint: "is required and must not be empty")
      }
      // Attribute templates with an unset field send a blank externalId, which identifies nothing.
      if definition == CommonAttributes.externalID, text.isBlank { return nil }
    case .boolean:
      guard case .bool = json else { throw .expected("true or false", json) }
    case .integer:
      guard case .integer = json else { throw .expected("a whole number", json) }
    case .decimal:
      guard DecimalNumber(json)?.isBounded ?? false else {
        throw .expected("a number of at most \(DecimalNumber.maximumDigits) digits", json)
      }
    case .dateTime:
      guard let text = json.string, Instant(text) != nil else { throw .expected("a time such as \"2026-01-31T08:00:00Z\"", json) }
    case .binary:
      guard let text = json.string, isBase64(text) else { throw .expected("base64 in a string", json) }
    }
    return json
  }

  private static func complex(_ json: JSON, of definition: AttributeDefinition) throws(InvalidValue) -> JSON? {
    guard case .object(let sent) = json else {
      throw .expected("an object with \(definition.subAttributes.map(\.name).joined(separator: ", "))", json)
    }
    let known = sent.keepingAttributes { definition.subAttribute(named: $0) != nil }
    var parts: [JSONObject.Member] = []
    parts.reserveCapacity(known.count)
    for subAttribute in definition.subAttributes where subAttribute.isStored {
      let part = known.value(forAttribute: subAttribute.name)
      do throws(InvalidValue) {
        if let part, let value = try value(part, of: subAttribute) {
          parts.append(JSONObject.Member(key: subAttribute.name, value: value))
          continue
        }
      } catch {
        throw error.below(".\(subAttribute.name)")
      }
      guard !subAttribute.isRequired else { throw InvalidValue(path: ".\(subAttribute.name)", complaint: "is required and is missing") }
    }
    return parts.isEmpty ? nil : .object(JSONObject(uncheckedMembers: parts))
  }

  /// Checks that at most one value is primary (RFC 7643 §2.4).
  static func checkPrimary(_ values: [JSON]) throws(InvalidValue) {
    var hasPrimary = false
    for value in values where value.object?["primary"] == .bool(true) {
      guard !hasPrimary else { throw InvalidValue(complaint: "has more than one value with primary true; one at most may have it") }
      hasPrimary = true
    }
  }

  /// Whether the text is base64 or base64url (RFC 4648 §4 and §5), with or without padding and line breaks. RFC 7643 §2.3.6 has base64 only.
  private static func isBase64(_ text: String) -> Bool {
    var digits = 0
    var padding = 0
    for byte in text.utf8 {
      if byte == UInt8(ascii: "=") {
        padding += 1
      } else if padding == 0, AttributeName.isNameByte(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") {
        digits += 1
      } else if byte != 0x0A && byte != 0x0D {
        return false
      }
    }
    return digits % 4 != 1 && (padding == 0 || padding <= 2 && (digits + padding).isMultiple(of: 4))
  }
}

extension String {
  /// Whether the text is empty except for white space and zero-width characters, which comparison keys trim.
  var isBlank: Bool { ComparisonKey(self).isEmpty }
}

/// The error of an invalid value. The path is built while the error propagates, so that valid values cost nothing.
struct InvalidValue: Error {
  /// The position within the attribute: `[2].value`.
  private(set) var path = ""
  let complaint: String

  static func expected(_ what: String, _ found: JSON) -> InvalidValue {
    InvalidValue(complaint: "must be \(what), found \(found.summary)")
  }

  /// Returns the error with `step` before its path.
  func below(_ step: String) -> InvalidValue { InvalidValue(path: step + path, complaint: complaint) }

  /// Returns the SCIM error with the attribute's full path.
  func error(at attribute: String) -> SCIMError { .badRequest(.invalidValue, "\(attribute)\(path) \(complaint).") }
}
