/// The two types of resources that are written and read.
package enum ResourceKind: String, Sendable, Hashable, CaseIterable {
  case user = "User"
  case group = "Group"

  /// The last component of the type's endpoint.
  package var endpoint: String {
    switch self {
    case .user: "Users"
    case .group: "Groups"
    }
  }

  /// The kind of resource that the rows refer to.
  package var referred: ResourceKind {
    switch self {
    case .user: .group
    case .group: .user
    }
  }

  /// The attribute that is kept as rows, and read only where it is asked for.
  package var rowAttribute: String {
    switch self {
    case .user: "groups"
    case .group: "members"
    }
  }

  /// The table, and the view of `identity_read`, that has the resources.
  package var table: String {
    switch self {
    case .user: "users"
    case .group: "groups"
    }
  }
}
