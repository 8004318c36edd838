extension Normalisation {
  /// OneLogin's `"emails": {"value": …}`, where an array is meant; an array with one value for an attribute that has but one.
  static let singleObjectForArray = Normalisation(
    "single-object-for-array",
    value: { value, place in
      if place.definition.isMultiValued {
        guard case .object = value, !place.isElement else { return nil }
        return .array([value])
      }
      guard place.definition.type == .complex, case .array(let elements) = value, elements.count <= 1 else { return nil }
      return elements.first ?? .null
    })

  /// `"active": "False"`.
  static let textForBoolean = Normalisation(
    "text-for-boolean",
    value: { value, place in
      guard place.definition.type == .boolean, let text = value.string else { return nil }
      return boolean(text).map(JSON.bool)
    })

  /// A manager's id where an object with it is meant, the empty text for no manager.
  static let managerAsText = Normalisation(
    "manager-as-text",
    value: { value, place in
      guard place.definition.name == "manager", place.definition.type == .complex, let text = value.string else { return nil }
      return text.isEmpty ? .null : ["value": .string(text)]
    })

  /// `"emails": "ana@example.com"`, or that as one of several, where an object with `value` is meant.
  static let textForComplexValue = Normalisation(
    "text-for-complex-value",
    value: { value, place in
      guard place.definition.isMultiValued, place.definition.type == .complex, case .string = value,
        place.definition.subAttribute(named: "value") != nil
      else { return nil }
      return place.isElement ? ["value": value] : [["value": value]]
    })

  /// An app role as JSON inside of a string: `{"id": …, "value": "Admin", "displayName": …}`.
  static let roleAsJSONText = Normalisation(
    "role-as-json-text",
    value: { value, place in
      guard place.definition.name == "roles", case .object(var role) = value, let text = role.value(forAttribute: "value")?.string,
        text.hasPrefix("{"), let inner = parsed(text)?.object, let name = inner.value(forAttribute: "value")
      else { return nil }
      role.setValue(name, forAttribute: "value")
      if let display = inner.value(forAttribute: "displayName") { role.setValue(display, forAttribute: "display") }
      return .object(role)
    })

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
      // Then it is a role with an odd name.
      return nil
    }
  }
}
