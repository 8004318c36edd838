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
        let (attributes, edit) = try operation.separatingMembers()
        if let edit { edits.append(edit) }
        if let attributes { try application.apply(attributes) }
      } catch {
        throw error.inOperation(index)
      }
    }
    return (try GroupDocument(.object(application.resource), schemas: schemas), edits)
  }

  /// The membership edits that the operations hold, as far as they can be read: what has to be at hand to decide the PATCH.
  public var mentionedMemberEdits: [MembershipEdit] {
    operations.compactMap { operation in
      do throws(SCIMError) {
        return try operation.separatingMembers().edit
      } catch {
        // The PATCH will be refused with this error when it is applied; it needs nobody's membership.
        return nil
      }
    }
  }
}

extension Patch.Operation {
  /// The operation without what it says of members, and that as an edit; either is nil where there is nothing of it.
  fileprivate func separatingMembers() throws(SCIMError) -> (attributes: Patch.Operation?, edit: MembershipEdit?) {
    guard let path else {
      guard var attributes = value?.object, let members = attributes.removeValue(forAttribute: "members") else { return (self, nil) }
      let edit = try Self.edit(kind, members)
      return (attributes.isEmpty ? nil : Patch.Operation(kind: kind, path: nil, value: .object(attributes)), edit)
    }
    guard AttributeName.equal(path.attribute.attribute, "members"),
      path.attribute.schema.map({ AttributeName.equal($0, SchemaDefinition.groupID) }) ?? true
    else { return (self, nil) }
    guard path.attribute.subAttribute == nil else {
      throw .badRequest(.mutability, "\(path): a part of a member can't be changed; remove the member and add another.")
    }
    guard let filter = path.filter else { return (nil, kind == .remove ? .removeAll : try Self.edit(kind, value ?? .null)) }
    guard kind == .remove else {
      throw .badRequest(.mutability, "\(path): a member can't be changed; remove it and add another.")
    }
    guard let ids = filter.expression.memberIDs else {
      throw .badRequest(.invalidPath, "\(path): members are selected by their ids, as in members[value eq \"2819c223\"].")
    }
    return (nil, .remove(ids))
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

extension Filter.Expression {
  /// The ids that `value eq "a" or value eq "b"` names; nil for any other filter.
  fileprivate var memberIDs: [String]? {
    switch self {
    case .comparison(let path, .equal, .string(let id)) where AttributeName.equal(path.attribute, "value") && path.subAttribute == nil:
      return [id]
    case .or(let operands):
      var ids: [String] = []
      for operand in operands {
        guard let more = operand.memberIDs else { return nil }
        ids += more
      }
      return ids
    default: return nil
    }
  }
}
