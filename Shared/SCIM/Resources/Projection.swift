/// Which attributes of a resource an answer holds: `attributes` and `excludedAttributes` (RFC 7644 §3.9).
public struct Projection: Sendable {
  private let schema: ResourceSchema
  /// nil: all that are returned by default.
  private let wanted: [Selected]?
  private let excluded: [Selected]

  /// An attribute, or one part of it, of the resource's schemas.
  fileprivate struct Selected: Hashable {
    let location: AttributeLocation
    let subAttribute: AttributeDefinition?
  }

  /// - Parameters:
  ///   - attributes: The names that are asked for, separated by commas; nil or empty for all.
  ///   - excluded: The names that are not wanted, separated by commas.
  /// - Throws: `invalidValue` where both are given. Names that the schema does not have select nothing.
  public init(attributes: String?, excluded: String?, schema: ResourceSchema) throws(SCIMError) {
    try self.init(attributes: Self.names(attributes), excluded: Self.names(excluded), schema: schema)
  }

  /// - Parameters:
  ///   - wanted: The names that are asked for; empty for all.
  ///   - unwanted: The names that are not wanted.
  /// - Throws: `invalidValue` where both are given. Names that the schema does not have select nothing.
  public init(attributes wanted: [String], excluded unwanted: [String], schema: ResourceSchema) throws(SCIMError) {
    guard wanted.isEmpty || unwanted.isEmpty else {
      throw .badRequest(.invalidValue, "attributes and excludedAttributes can't be used together; leave one of them out.")
    }
    self.schema = schema
    self.wanted = wanted.isEmpty ? nil : Self.selected(wanted, schema) + Self.alwaysInExtensions(schema)
    self.excluded = Self.selected(unwanted, schema) + (wanted.isEmpty && schema.hidesAttributes ? Self.unasked(schema) : [])
  }

  /// What is returned always has to be asked for nowhere; of the resource's own schema it is kept as it is met.
  private static func alwaysInExtensions(_ schema: ResourceSchema) -> [Selected] {
    schema.extensions.flatMap { of in
      of.attributes.filter { $0.returned == .always }.map {
        Selected(location: AttributeLocation(schemaExtension: of.id, definition: $0), subAttribute: nil)
      }
    }
  }

  /// What is returned on request alone, or never, of that which is stored at all.
  private static func unasked(_ schema: ResourceSchema) -> [Selected] {
    let core = schema.topLevel.map { AttributeLocation(schemaExtension: nil, definition: $0) }
    let extensions = schema.extensions.flatMap { of in of.attributes.map { AttributeLocation(schemaExtension: of.id, definition: $0) } }
    return (core + extensions).flatMap { location -> [Selected] in
      guard location.definition.isStored else { return [] }
      if location.definition.returned.isUnasked { return [Selected(location: location, subAttribute: nil)] }
      return location.definition.subAttributes.filter { $0.returned.isUnasked }.map { Selected(location: location, subAttribute: $0) }
    }
  }

  /// Whether the answer is the resource as it is.
  public var isWhole: Bool { wanted == nil && excluded.isEmpty }

  /// Whether the answer holds anything of a top-level attribute of the core schema.
  public func includes(_ attribute: String) -> Bool {
    func names(_ selected: Selected) -> Bool {
      selected.location.schemaExtension == nil && AttributeName.equal(selected.location.definition.name, attribute)
    }
    if let wanted { return wanted.contains(where: names) }
    return !excluded.contains { names($0) && $0.subAttribute == nil }
  }

  /// The resource without what is not wanted; what is always returned stays.
  public func apply(to resource: JSONObject) -> JSONObject {
    guard let wanted else {
      var rest = resource
      for selected in excluded where (selected.subAttribute ?? selected.location.definition).returned != .always {
        selected.remove(from: &rest)
      }
      return rest
    }
    var kept = JSONObject()
    for member in resource {
      if schema.attribute(named: member.key)?.returned == .always {
        kept[member.key] = member.value
      } else {
        let chosen = wanted.filter { $0.isIn(member.key) }
        for selected in chosen { selected.copy(from: resource, to: &kept) }
      }
    }
    return kept
  }

  private static func names(_ list: String?) -> [String] {
    (list ?? "").split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
  }

  /// What the names select, each once: every resource of a list is looked at for each.
  private static func selected(_ names: [String], _ schema: ResourceSchema) -> [Selected] {
    var seenNames: Set<String> = []
    var seen: Set<Selected> = []
    return names.filter { seenNames.insert($0).inserted }.flatMap { selected($0, schema) }.filter { seen.insert($0).inserted }
  }

  private static func selected(_ name: String, _ schema: ResourceSchema) -> [Selected] {
    guard let path = AttributePath(name) else { return [] }
    switch schema.resolve(path) {
    case .attribute(let location, let subAttribute)?:
      guard location.definition.returned != .never, subAttribute?.returned != .never else { return [] }
      return [Selected(location: location, subAttribute: subAttribute)]
    case .schemaExtension(let schemaExtension)?:
      return schemaExtension.attributes.filter { !$0.returned.isUnasked }.map {
        Selected(location: AttributeLocation(schemaExtension: schemaExtension.id, definition: $0), subAttribute: nil)
      }
    case .resource?:
      return schema.core.attributes.filter { !$0.returned.isUnasked }.map {
        Selected(location: AttributeLocation(schemaExtension: nil, definition: $0), subAttribute: nil)
      }
    case nil: return []
    }
  }
}

extension AttributeDefinition.Returned {
  /// Whether it takes being asked for to be returned, or even that is not enough.
  var isUnasked: Bool { self == .never || self == .request }
}

extension Projection.Selected {
  /// Whether the resource's member of that key holds it.
  fileprivate func isIn(_ key: String) -> Bool {
    AttributeName.equal(location.schemaExtension ?? location.definition.name, key)
  }

  fileprivate func remove(from resource: inout JSONObject) {
    guard let subAttribute else {
      location.set(nil, in: &resource)
      return
    }
    guard let value = location.value(in: resource) else { return }
    location.set(value.eachValue { $0[subAttribute.name] = nil }, in: &resource)
  }

  fileprivate func copy(from resource: JSONObject, to kept: inout JSONObject) {
    guard let value = location.value(in: resource) else { return }
    guard let subAttribute else {
      let unasked = location.definition.subAttributes.filter(\.returned.isUnasked)
      location.set(
        unasked.isEmpty ? value : value.eachValue { parts in for part in unasked { parts[part.name] = nil } }, in: &kept)
      return
    }
    // Another part of the same attribute may have been copied before.
    let before = location.value(in: kept).map { $0.array ?? [$0] } ?? []
    var index = 0
    let chosen = value.eachValue { parts in
      var new = index < before.count ? before[index].object ?? JSONObject() : JSONObject()
      new[subAttribute.name] = parts[subAttribute.name]
      parts = new
      index += 1
    }
    location.set(chosen, in: &kept)
  }
}

extension JSON {
  /// The value, or each of an array's, with its parts changed.
  fileprivate func eachValue(_ change: (inout JSONObject) -> Void) -> JSON {
    switch self {
    case .array(let elements): return .array(elements.map { $0.eachValue(change) })
    case .object(var parts):
      change(&parts)
      return .object(parts)
    default: return self
    }
  }
}
