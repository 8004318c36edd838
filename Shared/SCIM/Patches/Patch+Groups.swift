/// A change of a group's membership, made without knowing who is in the group: its cost is that of the change.
public enum MembershipEdit: Sendable, Hashable {
  /// Ids of users who shall be in the group.
  case add([String])
  /// Ids of users who shall not be in it.
  case remove([String])
  case removeAll
  /// Ids of the users who alone shall be in it.
  case replace([String])
}

extension Patch {
  /// The group's attributes after all operations, and the edits of its membership in order.
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

  /// The membership edits that the operations hold, as far as they can be read: what has to be at hand to decide the PATCH.
  public var mentionedMemberEdits: [MembershipEdit] {
    operations.flatMap { operation -> [MembershipEdit] in
      do throws(SCIMError) {
        return try operation.separatingMembers().edits
      } catch {
        // The PATCH will be refused with this error when it is applied; it needs nobody's membership.
        return []
      }
    }
  }
}

extension Patch.Operation {
  /// The operation without what it says of members, nil where nothing else is in it, and what it says of them.
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

  /// Takes `members` out of a value without a path, be it by its name, by its whole path or below the schema's URI.
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

/// Which members a filter selects, as far as that can be told without reading them: by their ids, and by their type, which is User.
enum MemberSelection: Sendable, Hashable {
  case none
  case ids([String])
  case all

  /// nil where the members would have to be read.
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
      // In place: there may be a thousand operands.
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
