/// How the people of a workspace are invited.
public struct InvitationPolicy: Sendable, Hashable, Codable {
  /// When and to whom invitations are sent.
  public var sending: Sending
  /// The days after which a person who has not signed in is reminded, in ascending order; empty: never.
  public var reminderDays: [Int]
  /// The days after which an invitation expires; `nil`: never.
  public var expiryDays: Int?
  /// Colour, logo and addresses of the mails.
  public var branding: InvitationBranding

  /// Creates an invitation policy.
  public init(
    sending: Sending = .immediately, reminderDays: [Int] = [3, 7], expiryDays: Int? = 30,
    branding: InvitationBranding = InvitationBranding()
  ) {
    self.sending = sending
    self.reminderDays = reminderDays
    self.expiryDays = expiryDays
    self.branding = branding
  }

  /// When and to whom invitations are sent.
  public enum Sending: Sendable, Hashable {
    /// To the person, as soon as they are provisioned.
    case immediately
    /// To the person, after a delay, because a new mailbox may not exist yet.
    case delayed(seconds: Int)
    /// To an administrator who invites the people: one mail for several new users.
    case digest(address: String)
    /// No mail is sent.
    case none
  }
}

/// JSON: `{"sending":"delayed","delaySeconds":3600,"reminderDays":[3,7],"expiryDays":30}`. Missing members have their defaults; an
/// `expiryDays` of null means never.
extension InvitationPolicy {
  /// Decodes the JSON form.
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

  /// Encodes the JSON form.
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
  /// The ways of sending, without their parameters.
  public enum Name: String, Sendable, Hashable, Codable, CaseIterable {
    /// Named as the cases of ``InvitationPolicy/Sending``.
    case immediately, delayed, digest, none
  }

  /// The way of sending.
  public var name: Name {
    switch self {
    case .immediately: .immediately
    case .delayed: .delayed
    case .digest: .digest
    case .none: .none
    }
  }
}
