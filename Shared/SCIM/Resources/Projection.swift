/// The attributes that a response contains, by `attributes` and `excludedAttributes` (RFC 7644 §3.9).
public struct Projection: Sendable {
  private let schema: ResourceSchema
  /// The requested attributes; nil for the default ones.
  private let wanted: [Selected]?
  private let excluded: [Selected]

  /// An attribute or sub-attribute of the schemas.
  fileprivate struct Selected: Hashable {
    let location: AttributeLocation
    let subAttribute: AttributeDefinition?
  }

  /// Creates a projection from the parameters of a URL.
  ///
  /// - Parameters:
  ///   - attributes: The requested attributes, separated by commas; nil or empty for the default ones.
  ///   - excluded: The attributes to leave out, separated by commas.
  ///   - schema: The schema of the resources. Names that it does not have are ignored.
  /// - Throws: `invalidValue` if both are given.
  public init(attributes: String?, excluded: String?, schema: ResourceSchema) throws(SCIMError) {
    try self.init(attributes: Self.names(attributes), excluded: Self.names(excluded), schema: schema)
  }

  /// Creates a projection from lists of names.
  ///
  /// - Parameters:
  ///   - wanted: The requested attributes; empty for the default ones.
  ///   - unwanted: The attributes to leave out.
  ///   - schema: The schema of the resources. Names that it does not have are ignored.
  /// - Throws: `invalidValue` if both are given.
  public init(attributes wanted: [String], excluded unwanted: [String], schema: ResourceSchema) throws(SCIMError) {
    guard wanted.isEmpty || unwanted.isEmpty else {
      throw .badRequest(.invalidValue, "attributes and excludedAttributes can't be used together; leave one of them out.")
    }
    self.schema = schema
    self.wanted = wanted.isEmpty ? nil : Self.selected(wanted, schema) + Self.alwaysInExtensions(schema)
    self.excluded = Self.selected(unwanted, schema) + (wanted.isEmpty && schema.hidesAttributes ? Self.unasked(schema) : [])
  }

  /// The extension attributes that are always returned; those of the core schema are handled by ``apply(to:)``.
  private static func alwaysInExtensions(_ schema: ResourceSchema) -> [Selected] {
    schema.extensions.flatMap { of in
      of.attributes.filter { $0.returned == .always }.map {
        Selected(location: AttributeLocation(schemaExtension: of.id, definition: $0), subAttribute: nil)
      }
    }
  }

  /// The stored attributes that are returned only on request, or never.
  private static func unasked(_ schema: ResourceSchema) -> [Selected] {
    let core = schema.topLevel.map { AttributeLocation(schemaExtension: nil, definition: $0) }
    let extensions = schema.extensions.flatMap { of in of.attributes.map { AttributeLocation(schemaExtension: of.id, definition: $0) } }
    return (core + extensions).flatMap { location -> [Selected] in
      guard location.definition.isStored else { return [] }
      if location.definition.returned.isUnasked { return [Selected(location: location, subAttribute: nil)] }
      return location.definition.subAttributes.filter { $0.returned.isUnasked }.map { Selected(location: location, subAttribute: $0) }
    }
  }

  /// Whether the projection returns resources unchanged.
  public var isWhole: Bool { wanted == nil && excluded.isEmpty }

  /// Whether the response may contain a top-level attribute of the core schema, or a part of it.
  public func includes(_ attribute: String) -> Bool {
    func names(_ selected: Selected) -> Bool {
      selected.location.schemaExtension == nil && AttributeName.equal(selected.location.definition.name, attribute)
    }
    if let wanted { return wanted.contains(where: names) }
    return !excluded.contains { names($0) && $0.subAttribute == nil }
  }

  /// Returns the resource with the selected attributes and those that are always returned.
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

  /// Resolves the names, without duplicates, because each selection is applied to every resource of a list.
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
  /// Whether the attribute is not returned by default.
  var isUnasked: Bool { self == .never || self == .request }
}

extension Projection.Selected {
  /// Whether the resource's member with this key contains the attribute.
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
    // Another sub-attribute may have been copied before.
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
  /// Changes the parts of the value, or of each element of an array.
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
