/// Reads the value of one attribute by its definition; knows where it is for the error message.
struct AttributeReader {
  /// The attribute's path, with an index behind a value of many: `emails[2].value`.
  let path: String

  /// The value in canonical form; nil where it is unassigned: null, an empty array, a complex value without parts (RFC 7643 §2.5).
  func value(_ json: JSON, of definition: AttributeDefinition) throws(SCIMError) -> JSON? {
    if json == .null { return nil }
    guard definition.isMultiValued else { return try single(json, of: definition) }
    guard case .array(let elements) = json else { throw expected("an array", json) }
    var values: [JSON] = []
    values.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      let reader = AttributeReader(path: "\(path)[\(index)]")
      if element == .null { continue }
      if let value = try reader.single(element, of: definition) { values.append(value) }
    }
    try checkPrimary(values)
    return values.isEmpty ? nil : .array(values)
  }

  /// One value of the attribute.
  func single(_ json: JSON, of definition: AttributeDefinition) throws(SCIMError) -> JSON? {
    if json == .null { return nil }
    switch definition.type {
    case .complex: return try complex(json, of: definition)
    case .string, .reference: return try string(json, of: definition)
    case .boolean:
      guard case .bool = json else { throw expected("true or false", json) }
      return json
    case .integer:
      guard case .integer = json else { throw expected("a whole number", json) }
      return json
    case .decimal:
      switch json {
      case .integer, .decimal: return json
      default: throw expected("a number", json)
      }
    case .dateTime:
      guard let text = json.string, DateTime.isValid(text) else { throw expected("a time such as \"2026-01-31T08:00:00Z\"", json) }
      return json
    case .binary:
      guard let text = json.string, Self.isBase64(text) else { throw expected("base64 in a string", json) }
      return json
    }
  }

  private func string(_ json: JSON, of definition: AttributeDefinition) throws(SCIMError) -> JSON? {
    guard case .string(let text) = json else { throw expected("a string", json) }
    guard !(definition.isRequired && text.allSatisfy(\.isWhitespace)) else {
      throw .badRequest(.invalidValue, "\(path) is required and must not be empty.")
    }
    guard !text.utf8.contains(0) else { throw .badRequest(.invalidValue, "\(path) holds the character U+0000, which can't be stored.") }
    return json
  }

  private func complex(_ json: JSON, of definition: AttributeDefinition) throws(SCIMError) -> JSON? {
    guard case .object(let sent) = json else {
      throw expected("an object with \(definition.subAttributes.map(\.name).joined(separator: ", "))", json)
    }
    var parts = JSONObject()
    for subAttribute in definition.subAttributes where subAttribute.isStored {
      guard let part = sent.value(forAttribute: subAttribute.name) else { continue }
      parts[subAttribute.name] = try AttributeReader(path: "\(path).\(subAttribute.name)").value(part, of: subAttribute)
    }
    guard !parts.isEmpty else { return nil }
    if let missing = definition.subAttributes.first(where: { $0.isRequired && parts[$0.name] == nil }) {
      throw .badRequest(.invalidValue, "\(path).\(missing.name) is required and is missing.")
    }
    return .object(parts)
  }

  /// RFC 7643 §2.4: at most one value is the primary one.
  func checkPrimary(_ values: [JSON]) throws(SCIMError) {
    guard values.count(where: { $0.object?["primary"] == .bool(true) }) > 1 else { return }
    throw .badRequest(.invalidValue, "\(path) has more than one value with primary true; one at most may have it.")
  }

  private func expected(_ what: String, _ found: JSON) -> SCIMError {
    .badRequest(.invalidValue, "\(path) must be \(what), found \(found.summary).")
  }

  /// RFC 4648 §4 or §5, padded or not, with line breaks or without (RFC 7643 §2.3.6 has the first).
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
