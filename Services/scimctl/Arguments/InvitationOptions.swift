import ArgumentParser
import Models

/// The options for the invitation policy of a workspace.
struct InvitationOptions: ParsableArguments {
  @Option(help: "When people are invited: immediately, delayed, digest (one mail to an administrator) or none.")
  var invitations: InvitationPolicy.Sending.Name?

  @Option(help: ArgumentHelp("The delay of delayed invitations, such as 4h.", valueName: "time"))
  var invitationDelay: DurationArgument?

  @Option(help: ArgumentHelp("The recipient of digests.", valueName: "email"))
  var digestAddress: String?

  @Option(help: ArgumentHelp("The days after which people are reminded, such as 3,7; or none.", valueName: "days"))
  var reminderDays: ReminderDays?

  @Option(help: ArgumentHelp("The days after which an invitation expires, or never.", valueName: "days"))
  var invitationExpiry: ExpiryDays?

  /// Whether none of the options is given.
  var isEmpty: Bool {
    invitations == nil && invitationDelay == nil && digestAddress == nil && reminderDays == nil && invitationExpiry == nil
  }

  /// Returns `policy` with the given options applied.
  ///
  /// - Throws: `ValidationError` if an option that another one requires is missing, or an option does not apply to the policy.
  func applied(to policy: InvitationPolicy) throws(ValidationError) -> InvitationPolicy {
    var policy = policy
    switch (invitations ?? policy.sending.name, policy.sending) {
    case (.immediately, _): policy.sending = .immediately
    case (.none, _): policy.sending = InvitationPolicy.Sending.none
    case (.delayed, let former):
      if let invitationDelay {
        policy.sending = .delayed(seconds: Int(invitationDelay.interval))
      } else if former.name != .delayed {
        throw ValidationError("--invitations delayed requires --invitation-delay, such as 4h.")
      }
    case (.digest, let former):
      if let digestAddress {
        policy.sending = .digest(address: digestAddress)
      } else if former.name != .digest {
        throw ValidationError("--invitations digest requires --digest-address, the recipient of digests.")
      }
    }
    if invitationDelay != nil, policy.sending.name != .delayed {
      throw ValidationError("--invitation-delay requires --invitations delayed; the workspace has \(policy.sending.name.rawValue).")
    }
    if digestAddress != nil, policy.sending.name != .digest {
      throw ValidationError("--digest-address requires --invitations digest; the workspace has \(policy.sending.name.rawValue).")
    }
    if let reminderDays { policy.reminderDays = reminderDays.days }
    if let invitationExpiry { policy.expiryDays = invitationExpiry.days }
    return policy
  }
}

/// The argument of `--reminder-days`: `3,7` or `none`.
struct ReminderDays: Sendable, Hashable, ExpressibleByArgument {
  let days: [Int]

  init?(argument: String) {
    let parts = argument == "none" ? [] : argument.split(separator: ",", omittingEmptySubsequences: false)
    let days = parts.compactMap { Int($0) }
    guard days.count == parts.count, days.allSatisfy({ $0 > 0 }) else { return nil }
    self.days = Set(days).sorted()
  }
}

/// The argument of `--invitation-expiry`: `30` or `never`.
struct ExpiryDays: Sendable, Hashable, ExpressibleByArgument {
  /// nil if invitations never expire.
  let days: Int?

  init?(argument: String) {
    if argument == "never" {
      days = nil
    } else {
      guard let days = Int(argument), days > 0 else { return nil }
      self.days = days
    }
  }
}

extension InvitationPolicy.Sending.Name: ExpressibleByArgument {}
