/// Where a person stands in the product. SCIM's `active` is true for the first two.
public enum UserState: String, Codable, Sendable, Hashable, CaseIterable {
  /// Provisioned, and not yet seen: an invitation is on its way.
  case invited
  /// Has signed in at least once.
  case active
  /// Deactivated by the identity provider; memberships are kept and not shown.
  case disabled

  /// The value of SCIM's `active` attribute.
  public var isActiveInSCIM: Bool { self != .disabled }
}
