/// A resource type: user or group.
package enum ResourceKind: String, Sendable, Hashable, CaseIterable {
  /// Users.
  case user = "User"
  /// Groups.
  case group = "Group"

  /// The last path component of the endpoint.
  package var endpoint: String {
    switch self {
    case .user: "Users"
    case .group: "Groups"
    }
  }

  /// The resource type at the other end of a membership.
  package var referred: ResourceKind {
    switch self {
    case .user: .group
    case .group: .user
    }
  }

  /// The attribute that is stored as membership rows.
  package var rowAttribute: String {
    switch self {
    case .user: "groups"
    case .group: "members"
    }
  }

  /// The table, and the view in `identity_read`, of the resources.
  package var table: String {
    switch self {
    case .user: "users"
    case .group: "groups"
    }
  }
}
