/// The attribute that an operation changes.
struct PatchTarget {
  let location: AttributeLocation
  let subAttribute: AttributeDefinition?
  /// The path as sent; its filter selects values of a multi-valued attribute.
  let path: PatchPath

  var definition: AttributeDefinition { location.definition }

  /// Creates a target.
  ///
  /// - Throws: `invalidPath` if the filter does not fit the attribute; `mutability` if the attribute is read-only.
  init(_ location: AttributeLocation, subAttribute: AttributeDefinition? = nil, path: PatchPath) throws(SCIMError) {
    self.location = location
    self.subAttribute = subAttribute
    self.path = path
    guard definition.mutability != .readOnly, subAttribute?.mutability != .readOnly else {
      throw .badRequest(.mutability, "\(path) is read-only and can't be changed by a PATCH.")
    }
    guard let filter = path.filter else { return }
    guard definition.isMultiValued else {
      throw .badRequest(
        .invalidPath, "\(path): a value filter in brackets needs an attribute with many values, which \(definition.name) is not.")
    }
    try checkNames(in: filter.expression)
  }

  /// Checks that the filter refers to sub-attributes, or to `value` of an attribute that has none.
  private func checkNames(in expression: Filter.Expression) throws(SCIMError) {
    for name in expression.attributePaths {
      if name.schema == nil, name.subAttribute == nil {
        if definition.subAttribute(named: name.attribute) != nil { continue }
        if definition.type != .complex, AttributeName.equal(name.attribute, "value") { continue }
      }
      let known = definition.type == .complex ? definition.subAttributes.map(\.name).joined(separator: ", ") : "value"
      throw .badRequest(.invalidPath, "\(path): \(definition.name) has no '\(name)' to filter by; it has \(known).")
    }
  }
}

extension ResourceSchema {
  /// Resolves the path of an operation.
  ///
  /// - Throws: `invalidPath` if the schema does not have the attribute; `mutability` if the attribute is read-only.
  func target(of path: PatchPath) throws(SCIMError) -> ResolvedPatchPath {
    switch resolve(path.attribute) {
    case .attribute(let location, let subAttribute)?:
      return .attribute(try PatchTarget(location, subAttribute: subAttribute, path: path))
    case .schemaExtension(let schemaExtension)? where path.filter == nil: return .schemaExtension(schemaExtension)
    case .resource? where path.filter == nil: return .resource
    case .schemaExtension?, .resource?:
      throw .badRequest(.invalidPath, "\(path): a value filter in brackets needs an attribute with many values before it, not a schema.")
    case nil:
      throw .badRequest(.invalidPath, unknown("\(path)"))
    }
  }
}

/// The result of resolving the path of an operation.
enum ResolvedPatchPath {
  case attribute(PatchTarget)
  case schemaExtension(SchemaDefinition)
  /// The resource itself: the value is an object of attributes.
  case resource
}

extension Filter.Expression {
  /// The attribute paths in the filter.
  var attributePaths: [AttributePath] {
    switch self {
    case .comparison(let path, _, _), .present(let path): [path]
    case .and(let operands), .or(let operands): operands.flatMap(\.attributePaths)
    case .not(let operand): operand.attributePaths
    case .value(let path, _): [path]
    }
  }
}
