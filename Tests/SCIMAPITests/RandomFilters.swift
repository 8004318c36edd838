import Foundation
import Models
import TestSupport

@testable import AdminConsole
@testable import EdgeHTTP
@testable import EdgeReads
@testable import ProductAPI
@testable import SCIM
@testable import SCIMControllers
@testable import ScimAPI

extension SeededGenerator {
  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[Int.random(in: elements.indices, using: &self)] }
}

/// Random resources and filters with few different values, so that many filters match some of the resources.
struct RandomFilters {
  var generator: SeededGenerator
  var ids: [ResourceID] = []

  /// An extension with an attribute of every type, which no standard schema has.
  static let everyType = SchemaDefinition(
    id: "urn:example:every-type:2.0:User", name: "EveryType", description: "",
    attributes: [
      AttributeDefinition("whole", .integer, description: ""), AttributeDefinition("broken", .decimal, description: ""),
      AttributeDefinition("since", .dateTime, description: ""), AttributeDefinition("isOn", .boolean, description: ""),
      AttributeDefinition("exact", .string, description: "", caseExact: true),
      AttributeDefinition("tags", .string, multiValued: true, description: ""),
      AttributeDefinition("numbers", .integer, multiValued: true, description: ""),
      AttributeDefinition(
        "devices", .complex, multiValued: true, description: "",
        subAttributes: [
          AttributeDefinition("value", .string, description: "", caseExact: true),
          AttributeDefinition("count", .decimal, description: ""), AttributeDefinition("seen", .dateTime, description: ""),
          AttributeDefinition("primary", .boolean, description: ""),
          AttributeDefinition("labels", .string, multiValued: true, description: ""),
        ]),
    ])

  static let user = ResourceSchema(
    name: "User", endpoint: "/Users", description: "", core: .user, extensions: [.enterpriseUser, everyType])
  static let group = ResourceSchema(name: "Group", endpoint: "/Groups", description: "", core: .group, extensions: [])

  private static let texts = [
    "a", "A", "ab", "aB", "b", "B", "ba", "\u{E9}", "\u{C9}", "e\u{301}", "\u{130}x", "i\u{307}X", "\u{3A3}", "\u{3C3}", "\u{3C2}",
    "\u{1F600}",
    "\u{1F600}a", "%", "_a", "\\", "\"", "a\nb", "'", "\u{DF}", "\u{1E9E}", "\u{10FFFD}", "\u{FFFD}", "", " ", "$1", " a", "A\u{200B}",
    "\u{A0}b ", "E\u{301}", "a\u{327}\u{301}", "a\u{301}\u{327}", "\u{1100}\u{1161}", "\u{AC00}",
    "\u{1E4EE}\u{301}",
  ]
  private static let numbers = [
    "0", "-0", "1", "1.0", "10e-1", "-1", "0.1", "1e-1", "12345678901234567890", "0.10000000000000000001", "1e3",
  ]
  private static let times = [
    "2026-01-31T09:30:00Z", "2026-01-31T10:30:00+01:00", "2026-01-31T09:30:00.000001Z", "2026-01-31T09:30:00.0000019Z",
    "2026-01-30T23:30:00-10:00", "2024-02-29T00:00:00Z", "2026-01-31T09:30:00.5Z", "2026-01-31T09:30:00.500Z", "1999-12-31T23:59:59.999Z",
    "9999-12-31T23:59:59Z", "5000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
  ]
  static let types = ["work", "Work", "home"]

  mutating func text() -> String {
    generator.chance(60) ? generator.pick(Array(Self.texts.prefix(8))) : generator.pick(Self.texts)
  }
}

// MARK: - Resources

extension RandomFilters {
  mutating func value(of definition: AttributeDefinition) -> JSON {
    guard definition.isMultiValued else { return single(definition) }
    return .array((0..<Int.random(in: 1...3, using: &generator)).map { _ in single(definition) })
  }

  private mutating func single(_ definition: AttributeDefinition) -> JSON {
    switch definition.type {
    case .string, .reference, .binary: return .string(definition.name == "type" ? generator.pick(Self.types) : text())
    case .boolean: return .bool(generator.chance(50))
    case .integer: return .integer(Int64.random(in: -1...2, using: &generator))
    case .decimal: return (try? JSON(parsing: generator.pick(Self.numbers))) ?? .null
    case .dateTime: return .string(generator.pick(Self.times))
    case .complex:
      var parts = JSONObject()
      for part in definition.subAttributes where generator.chance(60) { parts[part.name] = value(of: part) }
      return .object(parts)
    }
  }

  /// The attributes of a resource of the schema, without those that the store adds.
  mutating func attributes(of schema: ResourceSchema) -> JSONObject {
    var resource = JSONObject()
    var schemas = [schema.core.id]
    for definition in schema.topLevel where definition.isStored && definition.name != "schemas" && definition.name != "members" {
      if definition.isRequired || generator.chance(45) { resource[definition.name] = value(of: definition) }
    }
    for schemaExtension in schema.extensions where generator.chance(60) {
      var attributes = JSONObject()
      for definition in schemaExtension.attributes where generator.chance(60) { attributes[definition.name] = value(of: definition) }
      guard !attributes.isEmpty else { continue }
      schemas.append(schemaExtension.id)
      resource[schemaExtension.id] = .object(attributes)
    }
    resource["schemas"] = .array(schemas.map(JSON.string))
    return resource
  }
}

// MARK: - Filters

extension RandomFilters {
  /// A filter that is valid for the schema.
  mutating func filter(for schema: ResourceSchema, depth: Int = 3) -> String {
    if depth > 0, generator.chance(45) {
      switch Int.random(in: 0..<3, using: &generator) {
      case 0: return "not (\(filter(for: schema, depth: depth - 1)))"
      case 1: return operands(for: schema, depth).joined(separator: generator.pick([" and ", " AND "]))
      default: return operands(for: schema, depth).joined(separator: " or ")
      }
    }
    return term(for: schema)
  }

  private mutating func operands(for schema: ResourceSchema, _ depth: Int) -> [String] {
    (0..<Int.random(in: 2...3, using: &generator)).map { _ in
      let operand = filter(for: schema, depth: depth - 1)
      return generator.chance(50) ? "(\(operand))" : operand
    }
  }

  private mutating func term(for schema: ResourceSchema) -> String {
    if generator.chance(3) {
      return generator.pick(["nonsense pr", "nonsense ne \"a\"", "nonsense eq null", "name.nonsense eq \"a\"", schema.core.id + " pr"])
    }
    var (prefix, definition) = generator.pick(candidates(in: schema))
    if prefix.isEmpty, generator.chance(10) { prefix = schema.core.id + ":" }
    let path = prefix + (generator.chance(10) ? definition.name.uppercased() : definition.name)
    if definition.name == "id", generator.chance(50) { return "id eq \"\(generator.pick(ids))\"" }
    guard definition.type == .complex else {
      if generator.chance(10) { return "\(path)[\(comparison("value", definition))]" }
      return comparison(path, definition)
    }
    if generator.chance(10) { return "\(path) \(generator.pick(["pr", "eq null", "ne null"]))" }
    if generator.chance(35) { return "\(path)[\(parts(of: definition))]" }
    let part = generator.pick(definition.subAttributes)
    if part.name == "value", generator.chance(40) { return comparison(path, part) }
    if generator.chance(20) { return "\(path)[\(parts(of: definition))].\(comparison(part.name, part))" }
    return comparison("\(path).\(part.name)", part)
  }

  /// An attribute. Common attributes and those with many values are more likely.
  private func candidates(in schema: ResourceSchema) -> [(String, AttributeDefinition)] {
    let core = (schema.topLevel + [CommonAttributes.meta]).map { ("", $0) }
    let often = core.filter { ["id", "userName", "displayName", "emails", "groups", "members", "meta", "active"].contains($0.1.name) }
    let extensions = schema.extensions.flatMap { of in of.attributes.map { ("\(of.id):", $0) } }
    return core + extensions + often + often
  }

  private mutating func parts(of definition: AttributeDefinition) -> String {
    let terms = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
      let part = generator.pick(definition.subAttributes)
      let term = comparison(part.name, part)
      return generator.chance(20) ? "not (\(term))" : term
    }
    return terms.joined(separator: generator.chance(70) ? " and " : " or ")
  }

  private mutating func comparison(_ path: String, _ leaf: AttributeDefinition) -> String {
    if generator.chance(10) { return "\(path) pr" }
    if generator.chance(5) { return "\(path) \(generator.pick(["eq", "ne"])) null" }
    let permitted = Filter.Operator.allCases.filter { TypedFilter.Comparison.Order($0).map(leaf.type.permits) ?? false }
    let comparison = generator.chance(40) ? .equal : generator.pick(permitted)
    return "\(path) \(generator.chance(10) ? comparison.rawValue.uppercased() : comparison.rawValue) \(literal(leaf, comparison))"
  }

  private mutating func literal(_ leaf: AttributeDefinition, _ comparison: Filter.Operator) -> String {
    switch leaf.type {
    case .boolean: return generator.pick(["true", "false"])
    case .integer, .decimal: return generator.pick(Self.numbers)
    case .dateTime:
      return "\"\(generator.pick(leaf.name == "created" || leaf.name == "lastModified" ? Self.stamps : Array(Self.times.dropLast())))\""
    default:
      var text = text()
      if leaf.name == "type" { text = generator.pick(Self.types + ["User"]) }
      if leaf.name == "value" || leaf.name == "$ref" || leaf.name == "location", generator.chance(40) {
        let id = generator.pick(ids)
        text = leaf.name == "value" ? "\(id)" : "https://app.example.com/api/v2/scim/\(generator.pick(["Users", "Groups"]))/\(id)"
        if comparison == .endsWith { text = String(text.suffix(3)) }
      }
      if leaf.name == "version" { text = generator.pick(["W/\"1\"", "W/\"2\"", "W/"]) }
      if leaf.name == "resourceType" { text = generator.pick(["User", "Group", "user"]) }
      if leaf.name == "schemas" { text = generator.pick([Self.everyType.id, SchemaDefinition.enterpriseUserID, "urn"]) }
      return String(decoding: JSON.string(text).serialized(), as: UTF8.self)
    }
  }

  /// A time close to those of ``moment(_:)``.
  private static let stamps = [
    "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.001Z", "2026-01-01T00:00:00.002Z", "2026-01-01T01:00:00.001+01:00",
    "2026-01-01T00:00:00.0015Z", "2026-01-01T00:00:01Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
  ]

  /// A time at which a resource was written, to the microsecond, none of them halfway between two milliseconds.
  mutating func moment() -> Date {
    Date(timeIntervalSince1970: 1_767_225_600 + Double(generator.pick([0, 400, 600, 1000, 1499, 1501, 2000, 1_000_000])) / 1_000_000)
  }
}
