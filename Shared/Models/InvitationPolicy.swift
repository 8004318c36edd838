/// How a workspace's people are invited.
public struct InvitationPolicy: Sendable, Hashable, Codable {
  public var sending: Sending
  /// After how many days without a sign-in a person is reminded, in ascending order; empty for never.
  public var reminderDays: [Int]
  /// After how many days without a sign-in an invitation is good no more; nil for never.
  public var expiryDays: Int?
  public var branding: InvitationBranding

  public init(
    sending: Sending = .immediately, reminderDays: [Int] = [3, 7], expiryDays: Int? = 30,
    branding: InvitationBranding = InvitationBranding()
  ) {
    self.sending = sending
    self.reminderDays = reminderDays
    self.expiryDays = expiryDays
    self.branding = branding
  }

  /// When and to whom mail goes.
  public enum Sending: Sendable, Hashable {
    /// To the person, as soon as they are pushed.
    case immediately
    /// To the person, that many seconds later: mailboxes take their time to exist.
    case delayed(seconds: Int)
    /// To an administrator, who tells the people: one mail of several that are new.
    case digest(address: String)
    /// To nobody.
    case none
  }
}

/// In JSON `{"sending":"delayed","delaySeconds":3600,"reminderDays":[3,7],"expiryDays":30}`: what is not there is as by default, an
/// `expiryDays` of null is never.
extension InvitationPolicy {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let sending: Sending =
      switch try container.decodeIfPresent(Sending.Name.self, forKey: .sending) ?? .immediately {
      case .immediately: .immediately
      case .delayed: .delayed(seconds: try container.decode(Int.self, forKey: .delaySeconds))
      case .digest: .digest(address: try container.decode(String.self, forKey: .digestAddress))
      case .none: .none
      }
    var policy = InvitationPolicy(sending: sending)
    if let days = try container.decodeIfPresent([Int].self, forKey: .reminderDays) { policy.reminderDays = days }
    if container.contains(.expiryDays) { policy.expiryDays = try container.decodeIfPresent(Int.self, forKey: .expiryDays) }
    policy.branding = try container.decodeIfPresent(InvitationBranding.self, forKey: .branding) ?? InvitationBranding()
    self = policy
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(sending.name, forKey: .sending)
    switch sending {
    case .delayed(let seconds): try container.encode(seconds, forKey: .delaySeconds)
    case .digest(let address): try container.encode(address, forKey: .digestAddress)
    case .immediately, .none: break
    }
    try container.encode(reminderDays, forKey: .reminderDays)
    try container.encode(expiryDays, forKey: .expiryDays)
    if !branding.isEmpty { try container.encode(branding, forKey: .branding) }
  }

  private enum Key: String, CodingKey {
    case sending, delaySeconds, digestAddress, reminderDays, expiryDays, branding
  }
}

extension InvitationPolicy.Sending {
  /// The ways of sending, without what belongs to each.
  public enum Name: String, Sendable, Hashable, Codable, CaseIterable {
    case immediately, delayed, digest, none
  }

  public var name: Name {
    switch self {
    case .immediately: .immediately
    case .delayed: .delayed
    case .digest: .digest
    case .none: .none
    }
  }
}
