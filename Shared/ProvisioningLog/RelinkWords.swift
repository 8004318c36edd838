import Models

extension Relink {
  /// What happened, in a few words.
  public var summary: String {
    switch self {
    case .samePerson: "Relinked to a disabled user"
    case .reassigned: "Relinked, and reset for another person"
    }
  }

  /// What happened, and what follows from it.
  public var explanation: String {
    switch self {
    case .samePerson:
      """
      A disabled user with the same userName, or with the same externalId and primary address, came back under the old id. Sign-in history \
      and memberships were kept.
      """
    case .reassigned:
      """
      The userName belonged to a disabled user with another externalId, so it was given to somebody else. The record was reused without the \
      former person's sign-in history, role and group memberships.
      """
    }
  }
}
