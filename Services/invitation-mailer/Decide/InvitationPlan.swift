import Foundation
import Models

/// When and to whom an invitation is sent, according to the workspace's policy.
struct InvitationPlan: Sendable, Hashable {
  /// The delay before the mail is sent, in seconds.
  var delay: TimeInterval = 0
  /// Whether it is sent to the administrator in a digest.
  var isDigest = false
  /// How long the invitation is valid, in seconds; nil for no limit.
  var lifetime: TimeInterval?

  /// How long people are collected for a digest, in seconds.
  static let digestInterval: TimeInterval = 3600
  /// A day, in seconds.
  static let day: TimeInterval = 24 * 3600

  /// The plan for a new invitation; nil if the workspace sends no invitations.
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

  /// Sends immediately to the person, regardless of the policy.
  static func now(_ policy: InvitationPolicy) -> InvitationPlan {
    InvitationPlan(lifetime: policy.lifetime)
  }

  private init(lifetime: TimeInterval?) { self.lifetime = lifetime }

  /// Why the invitation waits, for people to read.
  var reason: String {
    if isDigest { return "waiting for the next mail to the administrator" }
    return delay > 0 ? "waiting for the delay that the workspace has set" : "to be sent immediately"
  }

  /// Why an invitation is revoked if the workspace sends no invitations.
  static let sendingDisabled = "the workspace sends no invitations"
}

extension InvitationPolicy {
  /// How long an invitation is valid, in seconds; nil for no limit.
  var lifetime: TimeInterval? { expiryDays.map { Double($0) * InvitationPlan.day } }
}
