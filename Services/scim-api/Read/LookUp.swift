import Models
import SCIM

/// How the filter of a list is answered: by conditions that the database has an index for and, where they say less than the filter,
/// by the filter itself on what they find.
struct LookUp: Sendable, Equatable {
  /// All of them hold. Each kind of condition occurs once at most, in one order, so that there are few different statements.
  private(set) var conditions: [Condition] = []
  /// What is still to be checked on each resource found.
  private(set) var remainder: Filter?
  /// Nothing can match: what the filter compares with is no value of the attribute.
  private(set) var isEmpty = false

  /// That an attribute has a value.
  enum Condition: Sendable, Hashable {
    case id(ResourceID)
    case externalID(String)
    /// In lower case.
    case userName(String)
    /// Without an index of its own: within one workspace.
    case userDisplayName(String)
    /// In lower case.
    case groupDisplayName(String)
    /// In lower case; the address that mail goes to.
    case email(String)
    /// The group has this user as a member.
    case member(ResourceID)
    /// The user is in this group.
    case group(ResourceID)
  }

  /// - Throws: 400 `invalidFilter` where no part of the filter can be looked up, with what can be.
  init(_ filter: Filter?, of kind: ResourceKind) throws(Refusal) {
    guard let filter else { return }
    let equalities = filter.equalities
    var isExact = equalities.count == filter.expression.operandCount
    var found: [Condition] = []
    for equality in equalities {
      switch Self.part(equality, of: kind) {
      case .condition(let condition, let says):
        if found.contains(where: { $0.order == condition.order }) {
          isExact = false
        } else {
          found.append(condition)
          isExact = isExact && says
        }
      case .nothing: isEmpty = true
      case .noIndex: isExact = false
      }
    }
    guard isEmpty || !found.isEmpty else { throw .unanswerableFilter(filter, of: kind) }
    conditions = found.sorted { $0.order < $1.order }
    if !isExact { remainder = filter }
  }

  private enum Part {
    /// - says: whether it says all that the equality does.
    case condition(Condition, says: Bool)
    /// Nothing can match.
    case nothing
    case noIndex
  }

  private static func part(_ equality: Filter.Equality, of kind: ResourceKind) -> Part {
    guard equality.value != .null else { return .noIndex }
    guard let text = equality.value.string else {
      return isKnown(equality.attribute, of: kind) ? .nothing : .noIndex
    }
    switch (equality.attribute, kind) {
    case (.id, _): return ResourceID(text).map { .condition(.id($0), says: true) } ?? .nothing
    case (.externalID, _): return .condition(.externalID(text), says: true)
    case (.userName, .user): return .condition(.userName(text.lowercased()), says: true)
    case (.displayName, .user): return .condition(.userDisplayName(text), says: true)
    case (.displayName, .group): return .condition(.groupDisplayName(text.lowercased()), says: true)
    // Of a user's addresses the one for mail is indexed, whatever its type.
    case (.email, .user): return .condition(.email(text.lowercased()), says: false)
    case (.member, .group): return ResourceID(text).map { .condition(.member($0), says: true) } ?? .nothing
    case (.group, .user): return ResourceID(text).map { .condition(.group($0), says: true) } ?? .nothing
    default: return .noIndex
    }
  }

  private static func isKnown(_ attribute: Filter.IndexedAttribute, of kind: ResourceKind) -> Bool {
    switch (attribute, kind) {
    case (.id, _), (.externalID, _), (.displayName, _), (.userName, .user), (.email, .user), (.group, .user), (.member, .group): true
    default: false
    }
  }
}

extension LookUp.Condition {
  /// The place of its kind among the conditions.
  fileprivate var order: Int {
    switch self {
    case .id: 0
    case .userName: 1
    case .groupDisplayName: 2
    case .externalID: 3
    case .email: 4
    case .member: 5
    case .group: 6
    case .userDisplayName: 7
    }
  }
}

extension Filter.Expression {
  /// How many parts have to hold together.
  fileprivate var operandCount: Int {
    if case .and(let operands) = self { operands.count } else { 1 }
  }
}

extension Refusal {
  static func unanswerableFilter(_ filter: Filter, of kind: ResourceKind) -> Refusal {
    let attributes =
      switch kind {
      case .user: "userName, externalId, id, displayName, emails.value (the address that mail goes to) and groups.value"
      case .group: "displayName, externalId, id and members.value"
      }
    return Refusal(
      400, .invalidFilter,
      """
      The filter '\(filter.description.prefix(300))' cannot be answered. \(kind.endpoint) can be filtered by \(attributes), each with eq, \
      alone or joined by 'and' with more.
      """)
  }
}
