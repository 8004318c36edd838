/// The status of a group member in the product.
package enum MembershipStatus: String, Sendable, CaseIterable {
  /// Shown in the product.
  case visible
  /// Invited, or their own data has not arrived yet.
  case pending
  /// Disabled. They return to the group when they are enabled.
  case held
}
