/// What an operation changes, found in the schema.
struct PatchTarget {
  let location: AttributeLocation
  /// Which values of a multi-valued attribute.
  let filter: Filter?
  let subAttribute: AttributeDefinition?
  /// The path as the client wrote it, for messages.
  let path: String

  var definition: AttributeDefinition { location.definition }

  /// - Throws: `invalidPath` for what the schema does not have, `mutability` for what only we may write.
  init(_ location: AttributeLocation, filter: Filter?, subAttribute: AttributeDefinition?, path: String) throws(SCIMError) {
    self.location = location
    self.filter = filter
    self.subAttribute = subAttribute
    self.path = path
    guard definition.mutability != .readOnly, subAttribute?.mutability != .readOnly else {
      throw .badRequest(.mutability, "\(path) is read-only and can't be changed by a PATCH.")
    }
    guard filter == nil || (definition.isMultiValued && definition.type == .complex) else {
      throw .badRequest(
        .invalidPath, "\(path): a value filter in brackets needs an attribute with many values, which \(definition.name) is not.")
    }
    for name in filter?.expression.attributeNames ?? [] where definition.subAttribute(named: name) == nil {
      throw .badRequest(
        .invalidPath,
        "\(path): \(definition.name) has no '\(name)' to filter by; it has \(definition.subAttributes.map(\.name).joined(separator: ", "))."
      )
    }
  }
}

extension ResourceSchema {
  /// Finds what a path of a PATCH means.
  ///
  /// - Returns: nil where the whole resource is meant; then the value is an object of attributes.
  /// - Throws: `invalidPath` that says what the schema does not have.
  func target(of path: PatchPath) throws(SCIMError) -> PatchAim {
    switch resolve(path.attribute) {
    case .attribute(let location, let subAttribute)?:
      return .attribute(try PatchTarget(location, filter: path.filter, subAttribute: subAttribute, path: path.description))
    case .schemaExtension(let schemaExtension)?:
      return .schemaExtension(schemaExtension)
    case .resource?: return .resource
    case nil:
      throw .badRequest(.invalidPath, "\(path) names no attribute of a \(name). The attributes are listed at /Schemas.")
    }
  }
}

/// What a path of a PATCH aims at.
enum PatchAim {
  case attribute(PatchTarget)
  case schemaExtension(SchemaDefinition)
  case resource
}

extension Filter.Expression {
  /// The names of the attributes that the filter compares.
  var attributeNames: [String] {
    switch self {
    case .comparison(let path, _, _), .present(let path): [path.attribute]
    case .and(let operands), .or(let operands): operands.flatMap(\.attributeNames)
    case .not(let operand): operand.attributeNames
    case .value(let path, _): [path.attribute]
    }
  }
}
