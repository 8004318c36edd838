import EdgeHTTP
import EdgeReads
import Models
import SCIM

/// A resource of SCIM in words: what a person wants to read of its JSON.
enum ResourceAttributes {
  struct Fact: Sendable, Equatable {
    var factName: String
    /// One a line.
    var factValues: [String]
  }

  /// Each attribute but those that say nothing about the person.
  static func facts(of resource: JSONObject) -> [Fact] {
    var facts: [Fact] = []
    for member in resource where !["schemas", "id", "meta", "groups"].contains(member.key) {
      if member.key.lowercased().hasPrefix("urn:"), case .object(let attributes) = member.value {
        for attribute in attributes { append(attribute.key, attribute.value, of: name(of: member.key), to: &facts) }
      } else {
        append(member.key, member.value, of: nil, to: &facts)
      }
    }
    return facts
  }

  /// `enterprise` of `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`: what stands before the version.
  private static func name(of schema: String) -> String {
    let parts = schema.split(separator: ":")
    guard let version = parts.lastIndex(where: { $0.first?.isNumber == true }), version > 0 else { return schema }
    return String(parts[version - 1])
  }

  private static func append(_ key: String, _ value: JSON, of schema: String?, to facts: inout [Fact]) {
    let values = lines(value)
    guard !values.isEmpty else { return }
    facts.append(Fact(factName: words(key) + (schema.map { " (\($0))" } ?? ""), factValues: values))
  }

  /// A value in lines of text.
  private static func lines(_ value: JSON) -> [String] {
    switch value {
    case .null: []
    case .array(let elements): elements.flatMap { element in element.object.map { [line($0)] } ?? lines(element) }.filter { !$0.isEmpty }
    case .object(let object): [line(object)].filter { !$0.isEmpty }
    default: [scalar(value)]
    }
  }

  /// `ana@example.com (work, primary)`; what has no value by itself, `given name: Ana, family name: Silva`.
  private static func line(_ object: JSONObject) -> String {
    if let value = object["value"], value.object == nil, value.array == nil {
      var notes: [String] = []
      if let display = object["display"]?.string, display != value.string { notes.append(display) }
      if let type = object["type"]?.string { notes.append(type) }
      if object["primary"]?.bool == true { notes.append("primary") }
      return scalar(value) + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")
    }
    return object.compactMap { member in
      guard member.value.object == nil, member.value.array == nil, member.value != .null else { return nil }
      return "\(words(member.key).lowercased()): \(scalar(member.value))"
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

  /// `employeeNumber` as `Employee number`.
  static func words(_ key: String) -> String {
    var text = ""
    for character in key {
      if character.isUppercase, text.last?.isLowercase == true {
        text.append(" ")
        text.append(character.lowercased())
      } else {
        text.append(character)
      }
    }
    return text.beginningUpperCase
  }
}

extension JSON {
  /// The value in lines, each deeper by two spaces than what it is in; members stay in their order.
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
