/// A change of a group's members that does not need the current members; its cost depends on the change only.
public enum MembershipEdit: Sendable, Hashable {
  /// Adds the users with these ids.
  case add([String])
  /// Removes the users with these ids.
  case remove([String])
  /// Removes all members.
  case removeAll
  /// Replaces all members by the users with these ids.
  case replace([String])
}

extension Patch {
  /// Applies the operations to a group. Returns its attributes, and the membership edits in order.
  ///
  /// - Throws: `invalidPath`, `noTarget`, `mutability` or `invalidValue`, with the number of the operation.
  public func applied(
    to document: GroupDocument, schemas: ResourceSchemas
  ) throws(SCIMError) -> (document: GroupDocument, memberEdits: [MembershipEdit]) {
    var application = PatchApplication(document.attributes, schema: schemas.group)
    var edits: [MembershipEdit] = []
    for (index, operation) in operations.enumerated() {
      do throws(SCIMError) {
        try operation.check(against: schemas.group)
        let separated = try operation.separatingMembers()
        edits += separated.edits
        if let attributes = separated.attributes { try application.apply(attributes) }
      } catch {
        throw error.inOperation(index)
      }
    }
    let changed = GroupDocument(patched: try application.result())
    try schemas.group.checkImmutables(before: document.attributes, after: changed.attributes)
    return (changed, edits)
  }

  /// The membership edits of the valid operations, to load the members that the PATCH needs.
  public var mentionedMemberEdits: [MembershipEdit] {
    operations.flatMap { operation -> [MembershipEdit] in
      do throws(SCIMError) {
        return try operation.separatingMembers().edits
      } catch {
        // Applying the PATCH will throw this error, so it needs no members.
        return []
      }
    }
  }
}

extension Patch.Operation {
  /// Splits the operation into the part without members, nil if nothing remains, and the membership edits.
  fileprivate func separatingMembers() throws(SCIMError) -> (attributes: Patch.Operation?, edits: [MembershipEdit]) {
    guard let path, path.attribute.asSchemaURI.map({ !AttributeName.equal($0, SchemaDefinition.groupID) }) ?? true else {
      var edits: [MembershipEdit] = []
      guard let object = value?.object else { return (self, []) }
      let rest = try Self.attributes(object, kind, separating: &edits)
      guard !edits.isEmpty else { return (self, []) }
      return (rest.isEmpty ? nil : Patch.Operation(kind: kind, path: path, value: .object(rest)), edits)
    }
    guard path.attribute.parent.isMembers else { return (self, []) }
    guard path.attribute.subAttribute == nil else {
      throw .badRequest(.mutability, "\(path): a part of a member can't be changed; remove the member and add another.")
    }
    guard let filter = path.filter else { return (nil, [kind == .remove ? .removeAll : try Self.edit(kind, value ?? .null)]) }
    guard let selection = MemberSelection(filter.expression) else {
      throw .badRequest(.invalidPath, "\(path): members are selected by their ids, as in members[value eq \"2819c223\"].")
    }
    guard kind == .remove else {
      throw .badRequest(.mutability, "\(path): a value of members can't be changed; remove it and add another.")
    }
    switch selection {
    case .none: return (nil, [])
    case .all: return (nil, [.removeAll])
    case .ids(let ids): return (nil, [.remove(ids)])
    }
  }

  /// Removes `members` from a value without a path: as a name, as a full path or below the schema's URI.
  private static func attributes(
    _ object: JSONObject, _ kind: Kind, separating edits: inout [MembershipEdit]
  ) throws(SCIMError) -> JSONObject {
    var rest = JSONObject()
    for member in object {
      if AttributePath(member.key)?.isMembers ?? false {
        edits.append(try edit(kind, member.value))
      } else if AttributeName.equal(member.key, SchemaDefinition.groupID), let inner = member.value.object {
        let more = try attributes(inner, kind, separating: &edits)
        if !more.isEmpty { rest[member.key] = .object(more) }
      } else {
        rest[member.key] = member.value
      }
    }
    return rest
  }

  private static func edit(_ kind: Kind, _ value: JSON) throws(SCIMError) -> MembershipEdit {
    let values: [JSON] = value == .null ? [] : value.array ?? [value]
    let ids = try MemberReference.list(values).map(\.value)
    return switch kind {
    case .add: .add(ids)
    case .remove: .remove(ids)
    case .replace: .replace(ids)
    }
  }
}

extension AttributePath {
  fileprivate var isMembers: Bool {
    AttributeName.equal(attribute, "members") && subAttribute == nil
      && (schema.map { AttributeName.equal($0, SchemaDefinition.groupID) } ?? true)
  }
}

/// The members that a filter selects, if this can be decided without reading them: by id, and by type, which is always User.
enum MemberSelection: Sendable, Hashable {
  case none
  case ids([String])
  case all

  /// Evaluates a filter; nil if it needs the members' other attributes.
  init?(_ expression: Filter.Expression) {
    switch expression {
    case .comparison(let path, .equal, .string(let text)) where path.subAttribute == nil && path.schema == nil:
      if AttributeName.equal(path.attribute, "value") {
        self = .ids([text])
      } else if AttributeName.equal(path.attribute, "type") {
        self = AttributeName.equal(text, "User") ? .all : .none
      } else {
        return nil
      }
    case .present(let path) where AttributeName.equal(path.attribute, "value") || AttributeName.equal(path.attribute, "type"):
      self = .all
    case .or(let operands):
      var joined = MemberSelection.none
      for operand in operands {
        guard let selection = MemberSelection(operand) else { return nil }
        joined.formUnion(selection)
      }
      self = joined
    case .and(let operands):
      var common = MemberSelection.all
      for operand in operands {
        guard let selection = MemberSelection(operand) else { return nil }
        common = common.intersection(selection)
      }
      self = common
    default: return nil
    }
  }

  private mutating func formUnion(_ other: MemberSelection) {
    switch (self, other) {
    case (.all, _), (_, .none): break
    case (_, .all): self = .all
    case (.none, .ids): self = other
    case (.ids(var ids), .ids(let more)):
      // In place, because there can be a thousand operands.
      self = .none
      ids += more
      self = .ids(ids)
    }
  }

  private func intersection(_ other: MemberSelection) -> MemberSelection {
    switch (self, other) {
    case (.none, _), (_, .none): return .none
    case (.all, let rest), (let rest, .all): return rest
    case (.ids(let left), .ids(let right)):
      let right = Set(right)
      let common = left.filter(right.contains)
      return common.isEmpty ? .none : .ids(common)
    }
  }
}
