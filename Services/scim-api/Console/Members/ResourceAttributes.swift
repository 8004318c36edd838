import EdgeHTTP
import EdgeReads
import Models
import SCIM

/// The attributes of a SCIM resource for display.
enum ResourceAttributes {
  /// An attribute with one line of text per value.
  struct Attribute: Sendable, Equatable {
    var attributeName: String
    var attributeValues: [String]
  }

  /// The attributes of a resource, without its metadata.
  static func attributes(of resource: JSONObject) -> [Attribute] {
    var result: [Attribute] = []
    for member in resource where !["schemas", "id", "meta", "groups"].contains(member.key) {
      if member.key.lowercased().hasPrefix("urn:"), case .object(let attributes) = member.value {
        for attribute in attributes { append(attribute.key, attribute.value, of: name(of: member.key), to: &result) }
      } else {
        append(member.key, member.value, of: nil, to: &result)
      }
    }
    return result
  }

  /// The short name of a schema, the component before the version: `enterprise` for
  /// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`.
  private static func name(of schema: String) -> String {
    let components = schema.split(separator: ":")
    guard let version = components.lastIndex(where: { $0.first?.isNumber == true }), version > 0 else { return schema }
    return String(components[version - 1])
  }

  private static func append(_ key: String, _ value: JSON, of schema: String?, to attributes: inout [Attribute]) {
    let values = lines(value)
    guard !values.isEmpty else { return }
    attributes.append(Attribute(attributeName: title(of: key) + (schema.map { " (\($0))" } ?? ""), attributeValues: values))
  }

  /// The lines of text for a value.
  private static func lines(_ value: JSON) -> [String] {
    switch value {
    case .null: []
    case .array(let elements): elements.flatMap { element in element.object.map { [line($0)] } ?? lines(element) }.filter { !$0.isEmpty }
    case .object(let object): [line(object)].filter { !$0.isEmpty }
    default: [scalar(value)]
    }
  }

  /// The text for a complex value: `ana@example.com (work, primary)`, or without a `value`, `given name: Ana, family name: Silva`.
  private static func line(_ object: JSONObject) -> String {
    if let value = object["value"], value.object == nil, value.array == nil {
      var qualifiers: [String] = []
      if let display = object["display"]?.string, display != value.string { qualifiers.append(display) }
      if let type = object["type"]?.string { qualifiers.append(type) }
      if object["primary"]?.bool == true { qualifiers.append("primary") }
      return scalar(value) + (qualifiers.isEmpty ? "" : " (\(qualifiers.joined(separator: ", ")))")
    }
    return object.compactMap { member in
      guard member.value.object == nil, member.value.array == nil, member.value != .null else { return nil }
      return "\(title(of: member.key).lowercased()): \(scalar(member.value))"
    }.joined(separator: ", ")
  }

  private static func scalar(_ value: JSON) -> String {
    switch value {
    case .string(let text): text
    case .bool(let truth): truth ? "yes" : "no"
    case .integer(let number): "\(number)"
    case .decimal(let lexeme): lexeme
    case .null, .array, .object: ""
    }
  }

  /// A camel-case name as words: `Employee number` for `employeeNumber`.
  static func title(of key: String) -> String {
    var text = ""
    for character in key {
      if character.isUppercase, text.last?.isLowercase == true {
        text.append(" ")
        text.append(character.lowercased())
      } else {
        text.append(character)
      }
    }
    return text.capitalisedFirst
  }
}

extension JSON {
  /// The value as indented JSON, with members in their original order.
  var pretty: String {
    var text = ""
    write(into: &text, depth: 0)
    return text
  }

  private func write(into text: inout String, depth: Int) {
    let indentation = String(repeating: "  ", count: depth + 1)
    switch self {
    case .array(let elements) where !elements.isEmpty:
      text += "["
      for (index, element) in elements.enumerated() {
        text += (index > 0 ? ",\n" : "\n") + indentation
        element.write(into: &text, depth: depth + 1)
      }
      text += "\n\(indentation.dropLast(2))]"
    case .object(let object) where object.count > 0:
      text += "{"
      for (index, member) in object.enumerated() {
        text += (index > 0 ? ",\n" : "\n") + indentation + String(decoding: JSON.string(member.key).serialized(), as: UTF8.self) + ": "
        member.value.write(into: &text, depth: depth + 1)
      }
      text += "\n\(indentation.dropLast(2))}"
    default:
      text += String(decoding: serialized(), as: UTF8.self)
    }
  }
}
