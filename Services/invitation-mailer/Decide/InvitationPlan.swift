import Foundation
import Models

/// What a workspace's policy means for one invitation.
struct InvitationPlan: Sendable, Hashable {
  /// How long the mail waits.
  var delay: TimeInterval = 0
  /// Together with others, to the administrator.
  var isDigest = false
  /// How long the invitation is good; nil for ever.
  var lifetime: TimeInterval?

  /// For how long a digest gathers people.
  static let digestInterval: TimeInterval = 3600
  static let day: TimeInterval = 24 * 3600

  /// nil where the workspace mails nobody.
  init?(_ policy: InvitationPolicy) {
    lifetime = policy.lifetime
    switch policy.sending {
    case .immediately: break
    case .delayed(let seconds): delay = Double(max(0, seconds))
    case .digest:
      delay = Self.digestInterval
      isDigest = true
    case .none: return nil
    }
  }

  /// At once, to the person, whatever the policy says of that.
  static func now(_ policy: InvitationPolicy) -> InvitationPlan {
    InvitationPlan(lifetime: policy.lifetime)
  }

  private init(lifetime: TimeInterval?) { self.lifetime = lifetime }

  var reason: String {
    if isDigest { return "waits for the next mail to the administrator" }
    return delay > 0 ? "waits as long as the workspace has set" : "to be sent at once"
  }

  static let nobody = "the workspace mails nobody"
}

extension InvitationPolicy {
  /// How long an invitation is good; nil for ever.
  var lifetime: TimeInterval? { expiryDays.map { Double($0) * InvitationPlan.day } }
}
