import ArgumentParser
import Models

/// The options about how people are invited.
struct InvitationOptions: ParsableArguments {
  @Option(help: "How people are invited: immediately, delayed, digest (to an administrator) or none.")
  var invitations: InvitationPolicy.Sending.Name?

  @Option(help: ArgumentHelp("By how much delayed invitations are delayed, for example 4h.", valueName: "time"))
  var invitationDelay: Lifetime?

  @Option(help: ArgumentHelp("Where digests go.", valueName: "email"))
  var digestAddress: String?

  @Option(help: ArgumentHelp("After how many days people are reminded, for example 3,7; or none.", valueName: "days"))
  var reminderDays: ReminderDays?

  @Option(help: ArgumentHelp("After how many days an invitation expires, or never.", valueName: "days"))
  var invitationExpiry: ExpiryDays?

  var isEmpty: Bool {
    invitations == nil && invitationDelay == nil && digestAddress == nil && reminderDays == nil && invitationExpiry == nil
  }

  /// `policy` with what the options say.
  ///
  /// - Throws: where one is missing that another needs, or is there for nothing.
  func applied(to policy: InvitationPolicy) throws(ValidationError) -> InvitationPolicy {
    var policy = policy
    switch (invitations ?? policy.sending.name, policy.sending) {
    case (.immediately, _): policy.sending = .immediately
    case (.none, _): policy.sending = InvitationPolicy.Sending.none
    case (.delayed, let former):
      if let invitationDelay {
        policy.sending = .delayed(seconds: Int(invitationDelay.interval))
      } else if former.name != .delayed {
        throw ValidationError("--invitations delayed needs --invitation-delay, for example 4h.")
      }
    case (.digest, let former):
      if let digestAddress {
        policy.sending = .digest(address: digestAddress)
      } else if former.name != .digest {
        throw ValidationError("--invitations digest needs --digest-address, where the digests go.")
      }
    }
    if invitationDelay != nil, policy.sending.name != .delayed {
      throw ValidationError("--invitation-delay is about --invitations delayed, and these are \(policy.sending.name.rawValue).")
    }
    if digestAddress != nil, policy.sending.name != .digest {
      throw ValidationError("--digest-address is about --invitations digest, and these are \(policy.sending.name.rawValue).")
    }
    if let reminderDays { policy.reminderDays = reminderDays.days }
    if let invitationExpiry { policy.expiryDays = invitationExpiry.days }
    return policy
  }
}

/// `3,7` or `none`.
struct ReminderDays: Sendable, Hashable, ExpressibleByArgument {
  let days: [Int]

  init?(argument: String) {
    let parts = argument == "none" ? [] : argument.split(separator: ",", omittingEmptySubsequences: false)
    let days = parts.compactMap { Int($0) }
    guard days.count == parts.count, days.allSatisfy({ $0 > 0 }) else { return nil }
    self.days = Set(days).sorted()
  }
}

/// `30` or `never`.
struct ExpiryDays: Sendable, Hashable, ExpressibleByArgument {
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
