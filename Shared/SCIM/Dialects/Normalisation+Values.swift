extension Normalisation {
  /// Corrects an object instead of an array, as in OneLogin's `"emails": {"value": …}`, and an array for a single-valued attribute.
  static let singleObjectForArray = Normalisation(
    "single-object-for-array",
    value: { value, context in
      if context.definition.isMultiValued {
        guard case .object = value, !context.isElement else { return nil }
        return .array([value])
      }
      guard context.definition.type == .complex, case .array(let elements) = value, elements.count <= 1 else { return nil }
      return elements.first ?? .null
    })

  /// Corrects text for a boolean: `"active": "False"`.
  static let textForBoolean = Normalisation(
    "text-for-boolean",
    value: { value, context in
      guard context.definition.type == .boolean, let text = value.string else { return nil }
      return boolean(text).map(JSON.bool)
    })

  /// Corrects text for a number: `"employeeCount": "12"`. Mappings of some providers have no numbers.
  static let textForNumber = Normalisation(
    "text-for-number",
    value: { value, context in
      guard context.definition.type == .integer || context.definition.type == .decimal, let text = value.string else { return nil }
      switch parsed(text) {
      case .integer(let number)?: return .integer(number)
      case .decimal(let number)? where context.definition.type == .decimal: return .decimal(number)
      default: return nil
      }
    })

  /// Corrects a number for text: `"employeeNumber": 701984`.
  static let numberForText = Normalisation(
    "number-for-text",
    value: { value, context in
      guard context.definition.type == .string else { return nil }
      switch value {
      case .integer(let number): return .string(String(number))
      case .decimal(let lexeme): return .string(lexeme)
      default: return nil
      }
    })

  /// Corrects a manager's id instead of an object, and an empty id for no manager.
  static let managerAsText = Normalisation(
    "manager-as-text",
    value: { value, context in
      guard context.definition.name == "manager", context.definition.type == .complex else { return nil }
      if let text = value.string { return text.isEmpty ? .null : ["value": .string(text)] }
      guard let parts = value.object, parts.value(forAttribute: "value") == "" else { return nil }
      return .null
    })

  /// Corrects text instead of a complex value: `"emails": "ana@example.com"`. If the path has a filter, the text replaces the `value` of the
  /// selected values, whose other sub-attributes stay.
  static let textForComplexValue = Normalisation(
    "text-for-complex-value",
    value: { value, context in
      guard context.definition.isMultiValued, context.definition.type == .complex, case .string = value,
        context.definition.subAttribute(named: "value") != nil
      else { return nil }
      return context.isElement ? ["value": value] : [["value": value]]
    },
    operation: { operation, schema in
      guard let op = operation.op, !AttributeName.equal(op, "remove"), case .string? = operation.value, let path = operation.path,
        path.filter != nil, case .attribute(let location, nil)? = schema.resolve(path.attribute),
        let part = location.definition.principalValue
      else { return nil }
      return [operation.with(path: PatchPath(attribute: path.attribute.appending(part.name), filter: path.filter))]
    })

  /// Corrects an app role that is JSON in a string: `{"id": …, "value": "Admin", "displayName": …}`.
  static let roleAsJSONText = Normalisation(
    "role-as-json-text",
    value: { value, context in
      if context.parent?.name == "roles", context.definition.name == "value" { return value.string.flatMap(role)?.name }
      guard context.definition.name == "roles", case .object(var parts) = value,
        let role = parts.value(forAttribute: "value")?.string.flatMap(role)
      else { return nil }
      parts.setValue(role.name, forAttribute: "value")
      if let display = role.display { parts.setValue(display, forAttribute: "display") }
      return .object(parts)
    })

  private static func role(in text: String) -> (name: JSON, display: JSON?)? {
    guard text.hasPrefix("{"), let inner = parsed(text)?.object, let name = inner.value(forAttribute: "value"), name.string != nil else {
      return nil
    }
    return (name, inner.value(forAttribute: "displayName").flatMap { $0.string == nil ? nil : $0 })
  }

  static func boolean(_ text: String) -> Bool? {
    switch text.lowercased() {
    case "true": true
    case "false": false
    default: nil
    }
  }

  private static func parsed(_ text: String) -> JSON? {
    do throws(JSONSyntaxError) {
      return try JSON(parsing: text)
    } catch {
      // Plain text.
      return nil
    }
  }
}
