extension Normalisation {
  /// `"op": "Replace"`.
  static let upperCaseOperation = Normalisation(
    "upper-case-operation",
    operation: { operation, _ in
      guard let op = operation.op, op.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return nil }
      return [operation.with(op: AttributeName.folded(op))]
    })

  /// Read-only attributes in a value without a path, as in Okta's `{"op": "replace", "value": {"id": …, "displayName": …}}`.
  static let readOnlyInPatchValue = Normalisation(
    "read-only-in-patch-value",
    operation: { operation, schema in
      guard operation.pathText == nil, case .object(let attributes)? = operation.value else { return nil }
      let writable = attributes.members.filter { schema.attribute(named: $0.key)?.mutability != .readOnly }
      guard writable.count < attributes.count else { return nil }
      return [operation.with(value: .object(JSONObject(uncheckedMembers: writable)))]
    })

  /// `{"op": "remove", "path": "members", "value": [{"value": "id"}]}` removes those members, not all.
  static let removalByValue = Normalisation(
    "removal-by-value",
    operation: { operation, schema in
      guard operation.op.map({ AttributeName.equal($0, "remove") }) ?? false, let path = operation.path, path.filter == nil,
        path.attribute.subAttribute == nil, let value = operation.value, value != .null,
        case .attribute(let location, nil)? = schema.resolve(path.attribute), location.definition.isMultiValued
      else { return nil }
      let named = (value.array ?? [value]).compactMap { element in element.string ?? element.object?.value(forAttribute: "value")?.string }
      guard !named.isEmpty else {
        // To remove none of the values is to leave them.
        return [operation.with(op: "add").with(value: [])]
      }
      return named.inSteps(of: 500).map { ids in
        let terms = ids.map { Filter.Expression.comparison("value", .equal, .string($0)) }
        let selecting = PatchPath(attribute: path.attribute, filter: Filter(terms.count == 1 ? terms[0] : .or(terms)))
        return operation.with(path: selecting).with(value: nil)
      }
    })

  /// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager`, with a dot where a colon is meant.
  static let dottedExtension = Normalisation(
    "dotted-extension",
    envelope: { resource, schema in resource.renamingKeys { colonForDot($0, schema) } },
    operation: { operation, schema in
      guard let text = operation.pathText else {
        return operation.renamingKeysOfValue { colonForDot($0, schema) }.map { [$0] }
      }
      return colonForDot(text, schema).flatMap(SentOperation.path).map { [operation.with(path: $0)] }
    })

  /// Paths as keys of a value without a path: `{"name.givenName": "b", "emails[type eq \"work\"].value": "c"}`. Each becomes an
  /// operation with that path.
  static let pathsAsKeys = Normalisation(
    "paths-as-keys",
    operation: { operation, _ in
      guard operation.pathText == nil, case .object(let attributes)? = operation.value else { return nil }
      var plain: [JSONObject.Member] = []
      var separate: [SentOperation] = []
      for member in attributes {
        if member.key.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") }),
          let path = SentOperation.path(member.key), path.filter != nil || path.attribute.subAttribute != nil
        {
          separate.append(SentOperation(op: operation.op.map(JSON.string) ?? .null, path: path, value: member.value))
        } else {
          plain.append(member)
        }
      }
      guard !separate.isEmpty else { return nil }
      guard !plain.isEmpty else { return separate }
      return [operation.with(value: .object(JSONObject(uncheckedMembers: plain)))] + separate
    })

  /// A `replace` of a part of filtered values that may not be there yet: `emails[type eq "work"].value`. As `add`, which is the same
  /// for a part of a value that is there, it makes one.
  static let filteredReplaceCreates = Normalisation(
    "filtered-replace-creates",
    operation: { operation, _ in
      guard operation.op.map({ AttributeName.equal($0, "replace") }) ?? false, let path = operation.path, path.filter != nil,
        path.attribute.subAttribute != nil
      else { return nil }
      return [operation.with(op: "add")]
    })

  /// `roles[primary eq "True"].value`.
  static let textForBooleanInFilter = Normalisation(
    "text-for-boolean-in-filter",
    operation: { operation, schema in
      guard let path = operation.path, let filter = path.filter,
        case .attribute(let location, _)? = schema.resolve(path.attribute)
      else { return nil }
      let expression = withBooleans(filter.expression, of: location.definition)
      guard expression != filter.expression else { return nil }
      return [operation.with(path: PatchPath(attribute: path.attribute, filter: Filter(expression)))]
    })

  private static func withBooleans(_ expression: Filter.Expression, of definition: AttributeDefinition) -> Filter.Expression {
    switch expression {
    case .comparison(let path, let comparison, .string(let text)):
      guard definition.subAttribute(named: path.attribute)?.type == .boolean, let value = boolean(text) else { return expression }
      return .comparison(path, comparison, .bool(value))
    case .and(let operands): return .and(operands.map { withBooleans($0, of: definition) })
    case .or(let operands): return .or(operands.map { withBooleans($0, of: definition) })
    case .not(let operand): return .not(withBooleans(operand, of: definition))
    case .comparison, .present, .value: return expression
    }
  }

  /// nil where `text` is not the URI of an extension with a dot behind it.
  private static func colonForDot(_ text: String, _ schema: ResourceSchema) -> String? {
    for uri in schema.extensions.lazy.map(\.id) where text.utf8.count > uri.utf8.count + 1 {
      let end = text.utf8.index(text.utf8.startIndex, offsetBy: uri.utf8.count)
      if text.utf8[end] == UInt8(ascii: "."), AttributeName.equal(String(text[..<end]), uri) {
        return uri + ":" + text[text.utf8.index(after: end)...]
      }
    }
    return nil
  }
}

extension Array {
  /// The elements in runs of at most `length`.
  fileprivate func inSteps(of length: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: count, by: length).map { self[$0..<Swift.min($0 + length, count)] }
  }
}
