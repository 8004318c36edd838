import Models
import SCIM

extension InvitationPolicy {
  /// Validates the policy.
  ///
  /// - Throws: `invalidValue` with the reason.
  func check() throws(SCIMError) {
    switch sending {
    case .delayed(let seconds):
      guard (1...Self.maximumDelay).contains(seconds) else {
        throw .badRequest(.invalidValue, "Invitations can be delayed by up to 30 days, not by \(seconds) seconds.")
      }
    case .digest(let address):
      let parts = address.split(separator: "@", omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), address.utf8.count <= 320,
        !address.contains(where: { $0.isWhitespace || $0.isNewline })
      else { throw .badRequest(.invalidValue, "'\(address.prefix(100))' is not an address for invitation digests.") }
    case .immediately, .none: break
    }
    guard reminderDays.count <= 10, reminderDays.allSatisfy({ (1...365).contains($0) }),
      zip(reminderDays, reminderDays.dropFirst()).allSatisfy({ $0 < $1 })
    else {
      throw .badRequest(
        .invalidValue, "Reminders are sent up to ten times, on days from 1 to 365 in ascending order; found \(reminderDays.prefix(20)).")
    }
    if let expiryDays, !(1...3650).contains(expiryDays) {
      throw .badRequest(.invalidValue, "Invitations can expire after 1 to 3650 days, or never; found \(expiryDays) days.")
    }
  }

  private static let maximumDelay = 30 * 86_400
}
