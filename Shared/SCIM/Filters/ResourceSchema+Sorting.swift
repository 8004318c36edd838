extension ResourceSchema {
  /// Returns the attribute that `sortBy` names (RFC 7644 §3.4.2.3), or the `value` of a complex attribute; nil if the schema does not
  /// have it.
  ///
  /// - Throws: `invalidPath` if the attribute has no order.
  public func sortAttribute(_ sortBy: String) throws(SCIMError) -> FilterAttribute? {
    guard let path = AttributePath(sortBy) else {
      throw .badRequest(
        .invalidPath, "sortBy must be an attribute such as userName or name.familyName, found '\(SecretText.shown(sortBy).head(200))'.")
    }
    guard case .attribute(let location, var subAttribute)? = resolve(path) else { return nil }
    guard location.definition.returned != .never, subAttribute?.returned != .never else {
      throw .badRequest(.invalidPath, "sortBy is \(path), which is never returned and can't be sorted by.")
    }
    if subAttribute == nil, location.definition.type == .complex {
      subAttribute = location.definition.subAttribute(named: "value")
      guard subAttribute != nil else {
        let parts = location.definition.subAttributes.map(\.name).joined(separator: ", ")
        throw .badRequest(.invalidPath, "sortBy is \(path), which is complex: expected one of its parts (\(parts)).")
      }
    }
    return FilterAttribute(schemaExtension: location.schemaExtension, definition: location.definition, subAttribute: subAttribute)
  }
}
