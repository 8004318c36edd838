extension Normalisation {
  /// Corrects the case of `"op": "Replace"`.
  static let upperCaseOperation = Normalisation(
    "upper-case-operation",
    operation: { operation, _ in
      guard let op = operation.op, op.utf8.contains(where: { (0x41...0x5A).contains($0) }) else { return nil }
      return [operation.with(op: AttributeName.folded(op))]
    })

  /// Removes read-only attributes from a value without a path, as in Okta's `{"op": "replace", "value": {"id": …, "displayName": …}}`. An
  /// operation that only changes `groups` stays, and the engine rejects it.
  static let readOnlyInPatchValue = Normalisation(
    "read-only-in-patch-value",
    operation: { operation, schema in
      guard operation.pathText == nil, case .object(let attributes)? = operation.value else { return nil }
      let writable = attributes.members.filter { schema.attribute(named: $0.key)?.mutability != .readOnly }
      guard writable.count < attributes.count, !writable.isEmpty || attributes.allSatisfy({ isIdentification($0.key) }) else { return nil }
      return [operation.with(value: .object(JSONObject(uncheckedMembers: writable)))]
    })

  /// Whether the attribute only identifies the resource.
  private static func isIdentification(_ key: String) -> Bool {
    AttributeName.equal(key, CommonAttributes.id.name) || AttributeName.equal(key, CommonAttributes.meta.name)
  }

  /// Converts the value of a removal to a filter in the path: `{"op": "remove", "path": "members", "value": [{"value": "id"}]}` removes these
  /// members, not all. Other values stay, and the engine rejects them.
  static let removalByValue = Normalisation(
    "removal-by-value",
    operation: { operation, schema in
      guard operation.op.map({ AttributeName.equal($0, "remove") }) ?? false, let path = operation.path, let value = operation.value,
        value != .null, case .attribute(let location, let part)? = schema.resolve(path.attribute), location.definition.isMultiValued,
        part?.isMultiValued != true
      else { return nil }
      let removed = value.array ?? [value]
      guard !removed.isEmpty || path.filter != nil || part != nil else {
        // Removing no values changes nothing.
        return [operation.with(op: "add").with(value: [])]
      }
      guard let terms = selection(of: removed, of: location.definition, part), !terms.isEmpty else { return nil }
      return inSteps(terms).map { terms in
        let selected = Filter.Expression.any(of: terms)
        let filter = path.filter.map { Filter(Filter.Expression.all(of: [$0.expression, selected])) } ?? Filter(selected)
        return operation.with(path: PatchPath(attribute: path.attribute, filter: filter)).with(value: nil)
      }
    })

  /// Returns the filters that select the values; nil if one selects nothing or is too long for a path.
  private static func selection(
    of removed: [JSON], of definition: AttributeDefinition, _ part: AttributeDefinition?
  ) -> [Filter.Expression]? {
    do throws(SCIMError) {
      var terms: [Filter.Expression] = []
      for value in removed {
        let whole: JSON = part.map { [$0.name: value] } ?? value
        let term = try RemovedValue.filter(for: whole, of: definition)
        guard "\(Filter(term))".utf8.count < FilterLimits.patchPath.bytes / 2 else { return nil }
        terms.append(term)
      }
      return terms
    } catch {
      return nil
    }
  }

  /// Splits the terms into groups that fit the filter of a path.
  private static func inSteps(_ terms: [Filter.Expression]) -> [[Filter.Expression]] {
    var steps: [[Filter.Expression]] = []
    var step: [Filter.Expression] = []
    var (bytes, comparisons) = (0, 0)
    for term in terms {
      let (size, count) = ("\(Filter(term))".utf8.count + 8, term.attributePaths.count)
      if !step.isEmpty, bytes + size > FilterLimits.patchPath.bytes / 2 || comparisons + count > FilterLimits.patchPath.terms / 2 {
        steps.append(step)
        (step, bytes, comparisons) = ([], 0, 0)
      }
      step.append(term)
      bytes += size
      comparisons += count
    }
    steps.append(step)
    return steps
  }

  /// Corrects a dot after the URI of an extension: `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager`.
  static let dottedExtension = Normalisation(
    "dotted-extension",
    envelope: { resource, schema in resource.renamingKeys { colonForDot($0, schema) } },
    operation: { operation, schema in
      guard let text = operation.pathText else {
        return operation.renamingKeysOfValue { colonForDot($0, schema) }.map { [$0] }
      }
      return colonForDot(text, schema).flatMap(RawPatchOperation.path).map { [operation.with(path: $0)] }
    })

  /// Splits paths that are keys of a value, such as `{"name.givenName": "b", "emails[type eq \"work\"].value": "c"}`, into operations with
  /// those paths.
  static let pathsAsKeys = Normalisation(
    "paths-as-keys",
    operation: { operation, _ in
      guard operation.pathText == nil, case .object(let attributes)? = operation.value else { return nil }
      var plain: [JSONObject.Member] = []
      var separate: [RawPatchOperation] = []
      for member in attributes {
        if member.key.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") }),
          let path = RawPatchOperation.path(member.key), path.filter != nil || path.attribute.subAttribute != nil
        {
          separate.append(RawPatchOperation(op: operation.op.map(JSON.string) ?? .null, path: path, value: member.value))
        } else {
          plain.append(member)
        }
      }
      guard !separate.isEmpty else { return nil }
      guard !plain.isEmpty else { return separate }
      return [operation.with(value: .object(JSONObject(uncheckedMembers: plain)))] + separate
    })

  /// Converts a `replace` of a sub-attribute of filtered values, such as `emails[type eq "work"].value`, to an `add`, which also creates a
  /// missing value. Multi-valued sub-attributes are excluded, because `add` would append to them.
  static let filteredReplaceCreates = Normalisation(
    "filtered-replace-creates",
    operation: { operation, schema in
      guard operation.op.map({ AttributeName.equal($0, "replace") }) ?? false, let path = operation.path, path.filter != nil,
        case .attribute(_, let part?)? = schema.resolve(path.attribute), !part.isMultiValued
      else { return nil }
      return [operation.with(op: "add")]
    })

  /// Corrects text for a boolean in a filter: `roles[primary eq "True"].value`.
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

  /// Replaces the dot after the URI of an extension by a colon; nil for other text.
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
