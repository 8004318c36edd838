/// Converts the value of a removal to a filter, as in Entra ID's `{"op": "Remove", "path": "members", "value": [{"value": "2819c223"}]}`.
enum RemovedValue {
  /// Returns the filter that selects the values equal to `value`: those with all its sub-attributes, or, for text, a number or a boolean,
  /// those with this `value`.
  ///
  /// - Throws: `invalidPath` for an unknown sub-attribute; `invalidValue` if the value cannot select anything.
  static func filter(for value: JSON, of definition: AttributeDefinition) throws(SCIMError) -> Filter.Expression {
    guard definition.type == .complex else { return try comparison("value", value, of: definition) }
    guard case .object(let parts) = value else {
      guard let part = definition.subAttribute(named: "value") else {
        throw .badRequest(
          .invalidValue, "a value of \(definition.name) to remove must be an object with its sub-attributes, found \(value.summary).")
      }
      return try comparison(part.name, value, of: part)
    }
    var terms: [Filter.Expression] = []
    for member in parts where member.value != .null {
      guard let part = definition.subAttribute(named: member.key) else {
        throw .badRequest(.invalidPath, "\(definition.name) has no sub-attribute '\(member.key.prefix(100))' to remove values by.")
      }
      if definition.isReferenceToUser {
        if let term = try memberTerm(part, member.value, among: parts) { terms.append(term) }
        continue
      }
      for element in part.isMultiValued ? member.value.array ?? [member.value] : [member.value] {
        terms.append(try comparison(part.name, element, of: part))
      }
    }
    guard !terms.isEmpty else {
      throw .badRequest(
        .invalidValue, "an object without sub-attributes names no value of \(definition.name) to remove; give the value's sub-attributes.")
    }
    return .all(of: terms)
  }

  /// Returns the comparison of a member: by its id, or by the last component of its `$ref`. `display` is ignored next to an id, and is an error
  /// alone, because it is not unique.
  private static func memberTerm(_ part: AttributeDefinition, _ value: JSON, among parts: JSONObject) throws(SCIMError) -> Filter
    .Expression?
  {
    switch part.name {
    case "$ref":
      guard let id = value.string?.split(separator: "/").last else {
        throw .badRequest(.invalidValue, "members.$ref must be the URI of a user, found \(value.summary).")
      }
      return .comparison("value", .equal, .string(String(id)))
    case "display":
      guard parts.hasValue(forAttribute: "value") || parts.hasValue(forAttribute: "$ref") else {
        throw .badRequest(
          .invalidValue, "members can't be removed by display, which several users can share. Give the id of the user as value.")
      }
      return nil
    default: return try comparison(part.name, value, of: part)
    }
  }

  /// Returns an equality comparison.
  ///
  /// - Throws: `invalidValue` if `value` is not of the attribute's type.
  private static func comparison(_ name: String, _ value: JSON, of definition: AttributeDefinition) throws(SCIMError) -> Filter.Expression {
    let operand = operand(value, for: definition)
    guard let operand, definition.type.permits(.equal), TypedFilter.Comparison.Operand(operand, for: definition, comparedBy: .equal) != nil
    else {
      throw .badRequest(
        .invalidValue,
        "\(definition.name) is of type \(definition.type.rawValue), so no value can equal \(value.summary); nothing was removed.")
    }
    return .comparison(AttributePath(attribute: name), .equal, operand)
  }

  /// Converts text to numbers and booleans and vice versa, as the normalisations of other values do.
  private static func operand(_ value: JSON, for definition: AttributeDefinition) -> Filter.Value? {
    switch (value, definition.type) {
    case (.string(let text), .boolean): Normalisation.boolean(text).map(Filter.Value.bool)
    case (.string(let text), .integer), (.string(let text), .decimal): Int64(text).map(Filter.Value.integer) ?? .decimal(text)
    case (.integer(let number), .string): .string(String(number))
    case (.decimal(let lexeme), .string): .string(lexeme)
    case (.string(let text), _): .string(text)
    case (.integer(let number), _): .integer(number)
    case (.decimal(let lexeme), _): .decimal(lexeme)
    case (.bool(let value), _): .bool(value)
    case (.null, _), (.array, _), (.object, _): nil
    }
  }
}

extension AttributeDefinition {
  /// The `value` sub-attribute, for which plain text stands in a complex multi-valued attribute; nil if there is none or it is immutable.
  var principalValue: AttributeDefinition? {
    guard isMultiValued, type == .complex else { return nil }
    return subAttribute(named: "value").flatMap { $0.mutability == .immutable ? nil : $0 }
  }

  /// Whether the values are users, identified by their ids: `members`.
  fileprivate var isReferenceToUser: Bool { isMultiValued && subAttribute(named: "value")?.mutability == .immutable }
}

extension JSONObject {
  fileprivate func hasValue(forAttribute name: String) -> Bool { value(forAttribute: name).map { $0 != .null } ?? false }
}

extension PatchTarget {
  /// Checks the value of a removal. Values of a multi-valued attribute must be selected by the path's filter; the normalisation
  /// `removal-by-value` has converted the ones that it understands.
  ///
  /// - Throws: `invalidValue` or `invalidPath`.
  func checkRemoval(of value: JSON?) throws(SCIMError) {
    guard let value else { return }
    let leaf = subAttribute ?? definition
    if value == .null {
      guard leaf.isMultiValued, path.filter == nil else { return }
      throw .badRequest(
        .invalidValue, "\(path): null names no value to remove. Leave the value out to remove all, or give the values to remove.")
    }
    if let subAttribute, subAttribute.isMultiValued || !definition.isMultiValued {
      _ = try removedValues(value, of: subAttribute)
      return
    }
    guard definition.isMultiValued else {
      _ = try removedValues(value, of: definition)
      return
    }
    _ = try removedValues(value, of: leaf)
    throw .badRequest(
      .invalidValue, "\(path): select the values to remove in the path, as in \(path.attribute.parent)[value eq \"…\"].")
  }

  /// Returns the filter for the removed values of a single-valued attribute or a multi-valued sub-attribute.
  func removedValues(_ value: JSON, of leaf: AttributeDefinition) throws(SCIMError) -> Filter {
    do throws(SCIMError) {
      var terms: [Filter.Expression] = []
      for element in value.array ?? [value] { terms.append(try RemovedValue.filter(for: element, of: leaf)) }
      guard !terms.isEmpty else { throw .badRequest(.invalidValue, "an empty array names no value to remove.") }
      return Filter(.any(of: terms))
    } catch {
      throw .badRequest(error.scimType ?? .invalidValue, "\(path): \(error.detail)")
    }
  }
}
