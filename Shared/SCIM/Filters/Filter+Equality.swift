extension Filter {
  /// The filter as one look-up, where it is nothing but one; nil otherwise.
  ///
  /// `userName eq "bjensen"`, `urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bjensen"`,
  /// `emails[type eq "work"].value eq "b@example.com"`, `active eq true`.
  public var equality: Equality? { Equality(expression) }

  /// The look-ups among the parts of the filter that all have to hold: any of them narrows the search, and the filter itself
  /// is then to be evaluated on what is found.
  public var equalities: [Equality] {
    if case .and(let operands) = expression { operands.compactMap { Equality($0) } } else { [equality].compactMap { $0 } }
  }

  /// That an attribute which storage may have an index for equals a value.
  public struct Equality: Sendable, Hashable {
    public let attribute: IndexedAttribute
    public let value: Value
  }

  /// The attributes that identity providers look resources up by.
  public enum IndexedAttribute: Sendable, Hashable {
    case id
    case externalID
    case userName
    case displayName
    case active
    /// An address in `emails`, with `type` if the filter asks for one.
    case email(type: String?)
    /// The id of a user, in `members` of a group.
    case member
    /// The id of a group, in `groups` of a user.
    case group
    case lastModified
    /// Any other.
    case other(AttributePath)

    init(_ path: AttributePath) {
      let bySchemaOfItsOwn =
        path.schema.map { AttributeName.equal($0, SchemaDefinition.userID) || AttributeName.equal($0, SchemaDefinition.groupID) } ?? true
      guard bySchemaOfItsOwn else {
        self = .other(path)
        return
      }
      switch (AttributeName.folded(path.attribute), path.subAttribute.map(AttributeName.folded)) {
      case ("id", nil): self = .id
      case ("externalid", nil): self = .externalID
      case ("username", nil): self = .userName
      case ("displayname", nil): self = .displayName
      case ("active", nil): self = .active
      case ("emails", nil), ("emails", "value"): self = .email(type: nil)
      case ("members", nil), ("members", "value"): self = .member
      case ("groups", nil), ("groups", "value"): self = .group
      case ("meta", "lastmodified"): self = .lastModified
      default: self = .other(path)
      }
    }
  }
}

extension Filter.Equality {
  fileprivate init?(_ expression: Filter.Expression) {
    switch expression {
    case .comparison(let path, .equal, let value):
      self.init(attribute: Filter.IndexedAttribute(path), value: value)
    case .value(let path, .comparison(let inner, .equal, let value)):
      self.init(attribute: Filter.IndexedAttribute(path.appending(inner.attribute)), value: value)
    case .value(let path, .and(let operands)) where operands.count == 2:
      self.init(emails: path, operands)
    default: return nil
    }
  }

  /// `emails[type eq "work" and value eq "x"]`, in either order.
  private init?(emails path: AttributePath, _ operands: [Filter.Expression]) {
    guard case .email = Filter.IndexedAttribute(path) else { return nil }
    var type: String?
    var value: Filter.Value?
    for operand in operands {
      guard case .comparison(let sub, .equal, let compared) = operand else { return nil }
      switch AttributeName.folded(sub.attribute) {
      case "type": type = compared.string
      case "value": value = compared
      default: return nil
      }
    }
    guard let type, let value else { return nil }
    self.init(attribute: .email(type: type), value: value)
  }
}
